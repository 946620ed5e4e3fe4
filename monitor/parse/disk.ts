import { linesOf, parseCount, ParseError } from "./text";

/** What a disk did since boot. */
export interface Disk {
  /** Its name in the kernel: sda, nvme0n1. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Time in which at least one request to it was under way. */
  readonly ioSeconds: number;
}

/** Of the kernel's accounts, whatever the disk's own sectors are (Documentation/block/stat.rst). */
const SECTOR_BYTES = 512;

/** /proc/diskstats (the kernel's admin-guide/iostats): all block devices, partitions too. */
export function parseDiskstats(text: string): Disk[] {
  return linesOf(text).map((line) => {
    const [, , device = "", ...fields] = line.trim().split(/\s+/);
    const at = (index: number): number => {
      const count = parseCount(fields[index]);
      if (count === undefined)
        throw new ParseError(`/proc/diskstats has a line that is not whole: ${device}`);
      return count;
    };
    return {
      device,
      readBytes: at(2) * SECTOR_BYTES,
      writtenBytes: at(6) * SECTOR_BYTES,
      ioSeconds: at(9) / 1000,
    };
  });
}
