import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bashWithStore } from "./manager";

/** A card as NVIDIA's driver lists it. */
export interface NvidiaCard {
  readonly minor: number;
  readonly uuid?: string;
  /** Minor of its render node. Default: none, as without nvidia-drm. */
  readonly render?: number;
  readonly excluded?: boolean;
}

/** What ROCm computes on; without a render node a processor. */
export interface KfdNode {
  readonly render?: number;
  /** In decimal. Default 0: the card does not tell. */
  readonly uniqueId?: string;
  readonly location?: number;
}

/** A host's tables of GPUs, in a folder. */
export class GpuHost {
  private listed: readonly string[] = [];

  constructor(readonly folder: string) {}

  /** What the driver lists, by PCI address; undefined unloads it. */
  nvidia(cards: Readonly<Record<string, NvidiaCard>> | undefined): void {
    for (const address of this.listed)
      for (const part of [join("nvidia", address), join("pci", address, "drm")])
        rmSync(join(this.folder, part), { recursive: true, force: true });
    this.listed = Object.keys(cards ?? {});
    for (const [address, { minor, uuid = `GPU-${address}`, render, excluded }] of Object.entries(
      cards ?? {},
    )) {
      this.write(
        join("nvidia", address, "information"),
        `Model: \t\t NVIDIA L4\nIRQ:   \t\t 16\nGPU UUID: \t ${uuid}\nVideo BIOS: \t 95.04.29.00.06\nBus Type: \t PCIe\nDMA Size: \t 47 bits\nDMA Mask: \t 0x7fffffffffff\nBus Location: \t ${address}\nDevice Minor: \t ${minor}\nGPU Firmware: \t 550.90.07\nGPU Excluded:\t ${excluded === true ? "Yes" : "No"}\n`,
      );
      if (render !== undefined) {
        this.write(join("pci", address, "drm", `renderD${render}`, "dev"), `226:${render}\n`);
        this.write(join("pci", address, "drm", "card0", "dev"), "226:0\n");
      }
    }
  }

  /** The nodes of the topology, from 0. */
  amd(nodes: readonly KfdNode[]): void {
    rmSync(join(this.folder, "kfd"), { recursive: true, force: true });
    for (const [index, { render, uniqueId = "0", location = 0 }] of nodes.entries())
      this.write(
        join("kfd", String(index), "properties"),
        render === undefined
          ? "cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\ndrm_render_minor 0\nunique_id 0\n"
          : `cpu_cores_count 0\nsimd_count 304\nlocation_id ${location}\ndomain 0\ndrm_render_minor ${render}\nhive_id 0\nunique_id ${uniqueId}\n`,
      );
  }

  /** A card of a vendor on the bus, whether or not it has a driver. */
  pci(address: string, vendor: string, deviceClass: string): void {
    this.write(join("pci", address, "vendor"), `${vendor}\n`);
    this.write(join("pci", address, "class"), `${deviceClass}\n`);
  }

  /** LXC's or another one's, which systemd says at its start. */
  isContainer(): void {
    this.write("container", "lxc\n");
  }

  /** Standard output and error, without the folder. */
  run(text: string, constants: Record<string, string> = {}): string[] {
    return bashWithStore(`exec 2>&1\n${text}`, this.folder, {
      NVIDIA_TABLE: join(this.folder, "nvidia"),
      AMD_TABLE: join(this.folder, "kfd"),
      PCI_DEVICES: join(this.folder, "pci"),
      CONTAINER_MARK: join(this.folder, "container"),
      ...constants,
    })
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(this.folder, ""));
  }

  /** What each of the tokens means. */
  tokens(...tokens: readonly string[]): string[] {
    return this.run(tokens.map((token) => `expand_tokens '@{${token}}'; echo "$REPLY"`).join("\n"));
  }

  private write(path: string, text: string): void {
    mkdirSync(join(this.folder, path, ".."), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }
}

/** Two cards whose minors are not in the order of their addresses. */
export const SWAPPED = {
  "0000:01:00.0": { minor: 1, uuid: "GPU-aaaa1111-0000-0000-0000-000000000000", render: 129 },
  "0000:c1:00.0": { minor: 0, uuid: "GPU-bbbb2222-0000-0000-0000-000000000000", render: 128 },
} as const satisfies Record<string, NvidiaCard>;

/** A processor, and two cards whose render nodes are not in ROCm's order. */
export const AMD: readonly KfdNode[] = [
  {},
  { render: 129, uniqueId: "12345678901234567890", location: 768 },
  { render: 128, uniqueId: "161", location: 0xc100 },
];
