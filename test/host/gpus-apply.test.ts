import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderBundle } from "../../components/host-bundle/render";
import { GpuHost, type NvidiaCard, SWAPPED } from "./gpu-host";
import { inFolder } from "./manager";

/** Only root's files are as a bundle wants them. */
const isRoot = process.getuid?.() === 0;

const STRAIGHT: Record<string, NvidiaCard> = {
  "0000:01:00.0": { ...SWAPPED["0000:01:00.0"], minor: 0 },
  "0000:c1:00.0": { ...SWAPPED["0000:c1:00.0"], minor: 1 },
};

/** A host without systemd, with a bundle that has a file with the first card's device. */
class Host extends GpuHost {
  constructor(folder: string) {
    super(folder);
    mkdirSync(join(folder, "etc"));
  }

  /** Runs a verb that changes the host; what it says, with its status at the end. */
  change(verb: string): string[] {
    return this.run(
      `SPOOL=$PWD/spool
      verb() { change "$@"; exit "$STATUS"; }
      attempt verb ${verb}
      echo "status $STATUS"`,
      { SELF: join(this.folder, "etc/manager") },
    );
  }

  apply(gpus = "0"): string[] {
    const files = {
      [join(this.folder, "etc/list")]: {
        mode: "0644",
        content: `@{nvidia-device:${gpus}} rw\n`,
        expand: true,
      },
    };
    const requires = { "a.gpu.devices": { gpus, vendor: "nvidia" } } as const;
    writeFileSync(join(this.folder, "spool"), renderBundle({ name: "app", requires, files }, "1.0.0"));
    return this.change("apply app");
  }

  drift(): string[] {
    return this.run("examine; printf '%s\\n' \"${FINDINGS[@]}\"").map((line) => line.replaceAll("\t", "|"));
  }

  get list(): string | undefined {
    const path = join(this.folder, "etc/list");
    return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
  }

  /** Whether what stood at the path was ever taken for somebody else's. */
  get kept(): string[] {
    return readdirSync(join(this.folder, "state/displaced"));
  }
}

const onHost = (action: (host: Host) => void): void => {
  inFolder((folder) => {
    action(new Host(folder));
  });
};

const DRIFT = "app|/etc/list|file|as applied|content differs||content differs";

describe.runIf(isRoot)("a device list", { timeout: 120_000 }, () => {
  it("is drift when the cards have other minors, and follows them at the next repair", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      expect(host.apply()).toContain("app: applied (generation 1)");
      expect([host.list, host.drift()]).toEqual(["/dev/char/195:1 rw", []]);
      // Three times, each of which knows what the one before has written.
      for (const [cards, device] of [
        [STRAIGHT, 0],
        [SWAPPED, 1],
        [STRAIGHT, 0],
      ] as const) {
        host.nvidia(cards);
        expect(host.drift()).toEqual([DRIFT]);
        expect(host.change("apply --stored")).toContain("status 0");
        expect([host.list, host.drift()]).toEqual([`/dev/char/195:${device} rw`, []]);
      }
      expect(host.kept).toEqual([]);
      host.nvidia(SWAPPED);
      expect(host.change("remove app")).toContain("status 0");
      expect(host.list).toBeUndefined();
    });
  });

  it("stays as it is while the driver is not loaded, whatever is applied then", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      host.apply();
      host.nvidia(undefined);
      expect(host.drift()).toEqual([]);
      expect(host.apply("1")).toContain("status 0");
      expect(host.list).toBe("/dev/char/195:0 rw");
      expect(host.apply("0")).toContain("status 0");
      expect(host.list).toBe("/dev/char/195:1 rw");
    });
  });

  it("opens nothing before the driver was ever loaded, and is drift once it is", () => {
    onHost((host) => {
      expect(host.apply()).toContain("status 0");
      expect([host.list, host.drift()]).toEqual(["/dev/char/0:0 rw", []]);
      host.nvidia(SWAPPED);
      expect(host.drift()).toEqual([DRIFT]);
      expect(host.apply()).toContain("status 0");
      expect(host.list).toBe("/dev/char/195:1 rw");
    });
  });

  it("closes what a card left open that is gone, by a repair; what a person applies is refused", () => {
    onHost((host) => {
      host.nvidia(SWAPPED);
      host.apply("1");
      host.nvidia({ "0000:01:00.0": { minor: 0 } });
      expect(host.apply("1").join("\n")).toMatch(
        /a\.gpu\.devices: "1": this host has no GPU 1: it has GPU 0 .*\n.*\nstatus 2$/,
      );
      expect(host.list).toBe("/dev/char/195:0 rw");
      expect(host.change("apply --stored")).toContain("status 0");
      expect([host.list, host.drift()]).toEqual(["/dev/char/0:0 rw", []]);
    });
  });
});
