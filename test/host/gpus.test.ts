import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AMD, GpuHost, SWAPPED } from "./gpu-host";
import { loadVersion } from "./loaded";
import { inFolder } from "./manager";

const onHost = (action: (host: GpuHost) => void): void => {
  inFolder((folder) => {
    action(new GpuHost(folder));
  });
};

const NOTHING = "/dev/char/0:0";

describe("the devices of NVIDIA's cards", () => {
  it("are those of the driver's table, whose order is not that of the minors", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      expect(host.tokens("nvidia-device:0", "nvidia-device:1", "nvidia-render:0", "nvidia-render:1")).toEqual(
        ["/dev/char/195:1", "/dev/char/195:0", "/dev/char/226:129", "/dev/char/226:128"],
      );
      expect(
        host.run("expand_tokens 'A=@{nvidia-device:0} rw B=@{nvidia-device:01} rw'; echo \"$REPLY\""),
      ).toEqual(["A=/dev/char/195:1 rw B=/dev/char/195:0 rw"]);
    });
  });

  it("are found by a UUID, and by the beginning of one that no other has", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      expect(
        host.tokens(
          `nvidia-device:${SWAPPED["0000:c1:00.0"].uuid}`,
          "nvidia-device:GPU-BBBB",
          "nvidia-render:GPU-a",
        ),
      ).toEqual(["/dev/char/195:0", "/dev/char/195:0", "/dev/char/226:129"]);
      expect(host.tokens("nvidia-device:GPU-", "nvidia-device:GPU-cccc")).toEqual([NOTHING, NOTHING]);
    });
  });

  it("are none where there is no such card, no driver, or no render node", () => {
    onHost((host) => {
      expect(host.tokens("nvidia-device:0", "nvidia-render:0", "nvidia-device:GPU-a")).toEqual([
        NOTHING,
        NOTHING,
        NOTHING,
      ]);
      host.nvidia({ "0000:01:00.0": { minor: 3 } });
      expect(host.tokens("nvidia-device:0", "nvidia-render:0", "nvidia-device:1")).toEqual([
        "/dev/char/195:3",
        NOTHING,
        NOTHING,
      ]);
    });
  });

  it("are counted without a card that is excluded, which nvidia-smi does not know either", () => {
    onHost((host) => {
      host.nvidia({ "0000:00:01.0": { minor: 0, excluded: true }, ...SWAPPED });
      expect(host.tokens("nvidia-device:0", "nvidia-device:1", "nvidia-device:2")).toEqual([
        "/dev/char/195:1",
        "/dev/char/195:0",
        NOTHING,
      ]);
    });
  });
});

describe("the devices of AMD's cards", () => {
  it("are the render nodes in ROCm's order, in which no processor counts", () => {
    onHost((host) => {
      host.amd(AMD);
      expect(host.tokens("amd-render:0", "amd-render:1", "amd-render:2")).toEqual([
        "/dev/char/226:129",
        "/dev/char/226:128",
        NOTHING,
      ]);
      // As rocminfo writes the number.
      expect(host.tokens("amd-render:GPU-ab54a98ceb1f0ad2", "amd-render:gpu-00000000000000A1")).toEqual([
        "/dev/char/226:129",
        "/dev/char/226:128",
      ]);
      expect(host.tokens("amd-render:/dev/dri/renderD128", "amd-render:/dev/dri/renderD12")).toEqual([
        "/dev/char/226:128",
        NOTHING,
      ]);
    });
  });

  it("are counted by number where the node has two digits", () => {
    onHost((host) => {
      host.amd([{}, ...Array.from({ length: 11 }, (_, index) => ({ render: 128 + index }))]);
      expect(host.tokens("amd-render:1", "amd-render:10", "nvidia-device:0")).toEqual([
        "/dev/char/226:129",
        "/dev/char/226:138",
        NOTHING,
      ]);
    });
  });
});

/** Stages a bundle with a file of these tokens, as an apply does. */
const stage = (host: GpuHost, ...tokens: readonly string[]): void => {
  loadVersion(host.folder, "staged", {
    files: {
      "/etc/a": { mode: "0644", expand: "true", content: tokens.map((token) => `@{${token}}\n`).join("") },
    },
  });
  expect(host.run(`add_sums '${join(host.folder, "staged")}'`)).toEqual([]);
};

describe("what the drivers say no more", () => {
  it("holds as it was when a bundle with GPUs was staged", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      stage(host, "nvidia-device:0");
      host.nvidia(undefined);
      host.amd(AMD);
      expect(host.tokens("nvidia-device:0", "nvidia-render:GPU-b", "amd-render:0")).toEqual([
        "/dev/char/195:1",
        "/dev/char/226:128",
        "/dev/char/226:129",
      ]);
      // The other vendor's staging forgets nothing.
      stage(host, "amd-render:0");
      host.amd([]);
      expect(host.tokens("nvidia-device:0", "amd-render:1")).toEqual([
        "/dev/char/195:1",
        "/dev/char/226:128",
      ]);
      // What the driver says is what holds; what nvidia-drm has not said yet is as it was, unless another card has it now.
      host.nvidia({ "0000:01:00.0": { minor: 0 }, "0000:c1:00.0": { minor: 1 } });
      expect(host.tokens("nvidia-device:0", "nvidia-render:0", "nvidia-render:1")).toEqual([
        "/dev/char/195:0",
        "/dev/char/226:129",
        "/dev/char/226:128",
      ]);
      host.nvidia({ "0000:01:00.0": { minor: 0 }, "0000:c1:00.0": { minor: 1, render: 129 } });
      expect(host.tokens("nvidia-render:0", "nvidia-render:1")).toEqual([NOTHING, "/dev/char/226:129"]);
      expect(readFileSync(join(host.folder, "state/gpus"), "utf8")).toBe(
        [
          "amd 0000:03:00.0 GPU-ab54a98ceb1f0ad2 /dev/dri/renderD129=226:129",
          "amd 0000:c1:00.0 GPU-00000000000000a1 /dev/dri/renderD128=226:128",
          `nvidia 0000:01:00.0 ${SWAPPED["0000:01:00.0"].uuid} /dev/nvidia1=195:1 /dev/dri/renderD129=226:129`,
          `nvidia 0000:c1:00.0 ${SWAPPED["0000:c1:00.0"].uuid} /dev/nvidia0=195:0 /dev/dri/renderD128=226:128`,
          "",
        ].join("\n"),
      );
    });
  });

  it("is not written down for a bundle without GPUs", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      stage(host, "cores-except:0");
      expect(() => readFileSync(join(host.folder, "state/gpus"))).toThrow("ENOENT");
    });
  });

  it("is the UUID of a card that nobody has used yet: it is that of the card in its place", () => {
    const unused = "GPU-????????-????-????-????-????????????";
    onHost((host) => {
      host.nvidia({ ...SWAPPED, "0000:01:00.0": { minor: 1, uuid: unused } });
      expect(host.tokens("nvidia-device:GPU-aaaa", "nvidia-device:GPU-bbbb")).toEqual([
        NOTHING,
        "/dev/char/195:0",
      ]);
      host.nvidia(SWAPPED);
      stage(host, "nvidia-device:0");
      // After a reboot, in which the minors have changed.
      host.nvidia({ "0000:01:00.0": { minor: 0, uuid: unused }, "0000:c1:00.0": { minor: 1, uuid: unused } });
      expect(host.tokens("nvidia-device:GPU-aaaa", "nvidia-device:GPU-bbbb")).toEqual([
        "/dev/char/195:0",
        "/dev/char/195:1",
      ]);
      stage(host, "nvidia-device:0");
      expect(readFileSync(join(host.folder, "state/gpus"), "utf8")).toBe(
        "nvidia 0000:01:00.0 GPU-aaaa1111-0000-0000-0000-000000000000 /dev/nvidia0=195:0 /dev/dri/renderD129=226:129\nnvidia 0000:c1:00.0 GPU-bbbb2222-0000-0000-0000-000000000000 /dev/nvidia1=195:1 /dev/dri/renderD128=226:128\n",
      );
    });
  });
});

describe("at boot", () => {
  /** How often udev is waited for. */
  const waits = (host: GpuHost, gpus: string): number =>
    host.run(
      `udevadm() { echo "udevadm $*"; }
      ${loadVersion(host.folder, "WANT", { limits: { "a.service": { GPUs: gpus } } })}
      settle_gpus`,
    ).length;

  it("the drivers of cards that are on the bus and named are waited for", () => {
    onHost((host) => {
      expect(waits(host, "0")).toBe(0);
      host.pci("0000:00:02.0", "0x1002", "0x030000");
      // An audio function of a card.
      host.pci("0000:01:00.1", "0x10de", "0x040300");
      expect(waits(host, "0")).toBe(0);
      expect(waits(host, "amd 0")).toBe(1);
      host.pci("0000:01:00.0", "0x10de", "0x030200");
      expect(waits(host, "0")).toBe(1);
      // Its table may have this one and not the others yet.
      host.nvidia(SWAPPED);
      expect(waits(host, "0")).toBe(1);
    });
  });

  it("a udev that does not settle is said, and holds nothing up", () => {
    onHost((host) => {
      host.pci("0000:01:00.0", "0x10de", "0x030200");
      const want = loadVersion(host.folder, "WANT", { limits: { "a.service": { GPUs: "0" } } });
      expect(host.run(`udevadm() { return 1; }; ${want} settle_gpus; echo on`)).toEqual([
        "warning: udev has not settled in 30 seconds, and may still load a driver of GPUs",
        "on",
      ]);
    });
  });
});
