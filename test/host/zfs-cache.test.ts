import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadVersion } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

const SETTING = "goblin-host:earlyOom.memoryPercent";
const GiB = 1024 ** 3;

/** What is said on a machine of 64 GiB whose ZFS, if it has one, gives way below so many free bytes. */
function said(given: { free?: number; zfs?: boolean; stored?: boolean; required?: boolean }): string[] {
  const { free, zfs = true, stored = false, required = true } = given;
  return inFolder((folder) => {
    const stats = join(folder, "arcstats");
    if (zfs) {
      const rows = [
        ["size", 20 * GiB],
        ["c_max", 32 * GiB],
        ...(free === undefined ? [] : [["arc_sys_free", free]]),
      ];
      writeFileSync(
        stats,
        `9 1 0x01 147 39984 5 6\nname type data\n${rows.map(([name, value]) => `${name} 4 ${value}\n`).join("")}`,
      );
    }
    const requires = { [SETTING]: { available: "10", unit: "earlyoom.service" } };
    return bashWithStore(
      `MEMORY_TOTAL=${64 * GiB} ONLINE_CPUS=0 NAME=earlyoom STORED=${stored ? "1" : ""}
      ${loadVersion(folder, "WANT", required ? { requires } : {})}
      preflight_cache; find_cache_verdict
      printf '%s\\n' "\${PROBLEMS[@]}" "\${LIMITS[@]}"`,
      folder,
      { ARC_STATS: stats },
    )
      .split("\n")
      .filter((line) => line !== "");
  });
}

describe("ZFS's cache", () => {
  const verdict = (rest: string): string => `earlyoom\tearlyoom.service\tMemAvailable\t10%\t${rest}`;
  const late = verdict("\tinert\tZFS's cache gives way only below 1024 MiB: zfs_arc_sys_free");

  it("that gives way too late for EarlyOOM is refused with what mends it, and a repair goes on with its verdict", () => {
    expect(said({ free: GiB })).toEqual([
      `${SETTING}: ZFS's cache may take 32768 MiB of this host's memory, which do not count as available, and gives way only where less than 1024 MiB are free: below 10% (6553 MiB) programs would be ended for it. Fix on the host: echo 8247050240 >/sys/module/zfs/parameters/zfs_arc_sys_free; echo options zfs zfs_arc_sys_free=8247050240 >/etc/modprobe.d/zfs-arc.conf; update-initramfs -u`,
      late,
    ]);
    expect(said({ free: GiB, stored: true })).toEqual([late]);
  });

  it("that gives way in time holds, with the number that mends it, too", () => {
    const enforced = [verdict("10%\tenforced\tzfs_arc_sys_free")];
    expect(said({ free: 7 * GiB })).toEqual(enforced);
    expect(said({ free: 8247050240 })).toEqual(enforced);
  });

  it("that does not say when it gives way is not trusted", () => {
    expect(said({})).toHaveLength(2);
  });

  it("is nobody's business where there is none, and where nothing depends on it", () => {
    expect(said({ zfs: false })).toEqual([]);
    expect(said({ free: GiB, required: false })).toEqual([]);
  });
});
