import { describe, expect, it } from "vitest";
import { AMD, GpuHost, SWAPPED } from "./gpu-host";
import { loadVersion } from "./loaded";
import { inFolder } from "./manager";

const SETTING = "goblin-host:workloads.a.gpu";

/** The problems that a requirement of the setting has. */
const problems = (
  host: GpuHost,
  setting: string,
  requirement: Record<string, string>,
  before = "",
): string[] =>
  host.run(
    `${loadVersion(host.folder, "WANT", { requires: { [setting]: requirement } })}
    ${before}
    preflight_gpus; preflight_devices; printf '%s\\n' "\${PROBLEMS[@]}"`,
  );

const onHost = (action: (host: GpuHost) => void): void => {
  inFolder((folder) => {
    action(new GpuHost(folder));
  });
};

const HAS =
  "it has GPUs 0-1 (0 is 0000:01:00.0 GPU-aaaa1111-0000-0000-0000-000000000000, 1 is 0000:c1:00.0 GPU-bbbb2222-0000-0000-0000-000000000000)";

describe("a card that is required", () => {
  const cards = (host: GpuHost, gpus: string, vendor = "nvidia", before = "") =>
    problems(host, `${SETTING}.devices`, { gpus, vendor }, before);

  it("and that the driver does not have is refused, with those that it has and what mends it", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      expect(cards(host, "1,2")).toEqual([
        `${SETTING}.devices: "2": this host has no GPU 2: ${HAS}. Allowed: any of those. Fix: pulumi config set --path '${SETTING}.devices[1]' 0`,
      ]);
      expect(cards(host, "GPU-cccc,GPU-bbbb")).toEqual([
        `${SETTING}.devices: "GPU-cccc": this host has no GPU GPU-cccc: ${HAS}. Allowed: any of those. Fix: pulumi config set --path '${SETTING}.devices[0]' GPU-aaaa1111-0000-0000-0000-000000000000`,
      ]);
      expect(cards(host, "0,1,GPU-b,MIG-1")).toEqual([]);
      host.amd(AMD.slice(0, 2));
      expect(cards(host, "/dev/dri/renderD128", "amd")).toEqual([
        `${SETTING}.devices: "/dev/dri/renderD128": this host has no GPU /dev/dri/renderD128: it has GPU 0 (0 is 0000:03:00.0 GPU-ab54a98ceb1f0ad2 /dev/dri/renderD129). Allowed: any of those. Fix: pulumi config set --path '${SETTING}.devices[0]' /dev/dri/renderD129`,
      ]);
    });
  });

  it("is not asked about where the driver is not loaded, and by a repair", () => {
    onHost((host) => {
      expect(cards(host, "0,7")).toEqual([]);
      host.nvidia(SWAPPED);
      host.run("cards_of nvidia; remember_gpus");
      expect(cards(host, "7", "nvidia", "STORED=1")).toEqual([]);
      expect(cards(host, "7")).toHaveLength(1);
      host.nvidia(undefined);
      expect(cards(host, "7")).toEqual([]);
    });
  });

  it("by a UUID that the driver does not tell yet is refused with what makes it tell", () => {
    const unused = { minor: 1, uuid: "GPU-????????-????-????-????-????????????" };
    onHost((host) => {
      host.nvidia({ "0000:01:00.0": unused });
      expect(cards(host, "GPU-aaaa")).toEqual([
        `${SETTING}.devices: "GPU-aaaa": the driver does not tell every UUID before the card is used: nvidia-smi -L uses all of them. Run that on the host, then this again`,
      ]);
      expect(cards(host, "0")).toEqual([]);
      // What was told before is no reason to refuse it.
      host.nvidia(SWAPPED);
      host.run("cards_of nvidia; remember_gpus");
      host.nvidia({ "0000:01:00.0": unused });
      expect(cards(host, "GPU-aaaa")).toEqual([]);
    });
  });
});

describe("a device of a container", () => {
  const device = (host: GpuHost, groups: string | undefined, told: string): string[] =>
    problems(
      host,
      SETTING,
      { device: "/dev/null", remedy: "Load it", ...(groups === undefined ? {} : { groups }) },
      `stat() { echo '${told}'; }; exec() { "$@"; }`,
    );

  it("must be there", () => {
    onHost((host) => {
      expect(problems(host, SETTING, { device: "/dev/goblin-none", remedy: "Load it" })).toEqual([
        `${SETTING}: this host has no device /dev/goblin-none. Load it`,
      ]);
    });
  });

  it("must be open to a user that is not root", () => {
    onHost((host) => {
      expect(device(host, "44,105", "660 105 render")).toEqual([]);
      expect(device(host, undefined, "660 105 render")).toEqual([]);
      expect(device(host, "", "666 105 render")).toEqual([]);
      for (const groups of ["", "44", "10,1051"])
        expect(device(host, groups, "660 105 render"), groups).toEqual([
          `${SETTING}.groups: /dev/null is for root and the group render, and the container runs as neither. Fix: pulumi config set --path '${SETTING}.groups[0]' 105`,
        ]);
    });
  });
});
