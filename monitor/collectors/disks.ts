import { existsSync } from "node:fs";
import { readText } from "../host/files";
import type { Roots } from "../host/roots";
import { type Disk, parseDiskstats } from "../parse/disk";

/** More than a host's page or dashboard can show. */
const MOST_DISKS = 128;
/** They have a device, and are no disks. */
const REMOVABLE = /^(sr|fd)[0-9]+$/;

/**
 * The real disks: those that sysfs knows a device of. Partitions, loop, RAM and zram have none; nor have device-mapper and md, which
 * would count once more what the disks below them did. Undefined on a host without any.
 */
export function collectDisks({ procfs, sysfs }: Roots): Disk[] | undefined {
  const text = readText(`${procfs}/diskstats`);
  if (text === undefined) return undefined;
  const disks = parseDiskstats(text).filter(
    ({ device }) =>
      !REMOVABLE.test(device) && existsSync(`${sysfs}/block/${device.replaceAll("/", "!")}/device`),
  );
  return disks.length === 0 ? undefined : disks.slice(0, MOST_DISKS);
}
