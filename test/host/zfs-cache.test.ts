import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadVersion } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

const SETTING = "goblin-host:earlyOom.memoryPercent";
const GiB = 1024 ** 3;
/** What mends it on a machine of 64 GiB: 14% of them. */
const ENOUGH = 9621733376;

interface Given {
  free?: number;
  least?: number;
  most?: number;
  zfs?: boolean;
  stored?: boolean;
  required?: boolean;
  active?: string;
  container?: boolean;
}

/** What is said on a machine of 64 GiB whose ZFS, if it has one, gives way below so many free bytes. */
function said(given: Given): string[] {
  const { free, least = GiB, most = 32 * GiB, zfs = true, stored = false, required = true } = given;
  return inFolder((folder) => {
    const stats = join(folder, "arcstats");
    if (zfs) {
      const rows = {
        size: 20 * GiB,
        c_min: least,
        c_max: most,
        ...(free === undefined ? {} : { arc_sys_free: free }),
      };
      const table = Object.entries(rows).map(([name, value]) => `${name} 4 ${value}\n`);
      writeFileSync(stats, `9 1 0x01 147 39984 5 6\nname type data\n${table.join("")}`);
    }
    if (given.container === true) mkdirSync(join(folder, "container"));
    const requires = { [SETTING]: { available: "10", unit: "earlyoom.service" } };
    return bashWithStore(
      `MEMORY_TOTAL=${64 * GiB} ONLINE_CPUS=0 NAME=earlyoom STORED=${stored ? "1" : ""}
      ${loadVersion(folder, "WANT", required ? { requires } : {})}
      SEEN_UNIT["earlyoom.service|ActiveState"]=${given.active ?? "active"}
      preflight_cache; find_cache_verdict
      printf '%s\\n' "\${PROBLEMS[@]}" "\${LIMITS[@]}"`,
      folder,
      { ARC_STATS: stats, CONTAINER_MARK: join(folder, "container") },
    )
      .split("\n")
      .filter((line) => line !== "");
  });
}

describe("ZFS's cache", () => {
  const verdict = (rest: string): string => `earlyoom\tearlyoom.service\tMemAvailable\t10%\t${rest}`;
  const enforced = [verdict("10%\tenforced\tZFS's cache gives way before")];
  const LATE = "it gives way only where less than 1024 MiB are free (zfs_arc_sys_free)";
  const late = verdict(`\tinert\tZFS's cache: ${LATE}`);

  it("that gives way too late for EarlyOOM is refused with what mends it, and a repair goes on with its verdict", () => {
    expect(said({ free: GiB })).toEqual([
      `${SETTING}: ZFS's cache may take 32768 MiB of this host's memory, which do not count as available, and ${LATE}: below 10% (6553 MiB) programs would be ended for it. Fix on the host: echo ${ENOUGH} >/sys/module/zfs/parameters/zfs_arc_sys_free; echo options zfs zfs_arc_sys_free=${ENOUGH} >>/etc/modprobe.d/goblin-zfs.conf; update-initramfs -u`,
      late,
    ]);
    expect(said({ free: GiB, stored: true })).toEqual([late]);
  });

  it("that gives way in time holds, with the number that mends it, too; as much as EarlyOOM's own is not in time", () => {
    expect(said({ free: 8 * GiB })).toEqual(enforced);
    expect(said({ free: ENOUGH })).toEqual(enforced);
    expect(said({ free: 0.1 * 64 * GiB })).toHaveLength(2);
  });

  it("that keeps much of the memory for ever is refused, whatever it gives up of the rest", () => {
    const [problem] = said({ free: ENOUGH, least: 32 * GiB });
    expect(problem).toContain("and it keeps 32768 MiB whatever happens (zfs_arc_min): below 10%");
    expect(problem).toContain("Fix on the host: lower zfs_arc_min (");
  });

  it("that cannot become large is left alone", () => {
    expect(said({ free: GiB, most: GiB })).toEqual(enforced);
  });

  it("that does not say when it gives way is not trusted", () => {
    expect(said({})).toHaveLength(2);
  });

  it("is nobody's business where there is none, where nothing depends on it, and in a container", () => {
    expect(said({ zfs: false })).toEqual([]);
    expect(said({ free: GiB, required: false })).toEqual([]);
    expect(said({ free: GiB, container: true })).toEqual([]);
  });

  it("says nothing of an EarlyOOM that does not run", () => {
    expect(said({ free: ENOUGH, active: "failed" })).toEqual([
      verdict("\tinert\tearlyoom.service is not running"),
    ]);
  });
});
