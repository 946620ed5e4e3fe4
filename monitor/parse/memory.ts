import { keyedCount, linesOf, parseCount, required } from "./text";

/** The host's memory, in bytes. */
export interface Memory {
  readonly totalBytes: number;
  /** What processes can still get without swapping: MemAvailable, and ZFS's reclaimable cache with it. */
  readonly availableBytes: number;
  readonly freeBytes: number;
  /** Page cache. */
  readonly cachedBytes: number;
  /** The part of ZFS's cache (ARC) that gives way; undefined without ZFS. */
  readonly zfsArcReclaimableBytes: number | undefined;
}

/**
 * /proc/meminfo (proc_meminfo(5)). MemAvailable does not know ZFS's cache, which gives way down to its minimum:
 * without `arcReclaimable` a ZFS host looks full while it is not.
 */
export function parseMeminfo(text: string, zfsArcReclaimableBytes: number | undefined): Memory {
  const get = (key: string) => required(keyedCount(text, key), "/proc/meminfo", key);
  const totalBytes = get("MemTotal");
  return {
    totalBytes,
    availableBytes: Math.min(totalBytes, get("MemAvailable") + (zfsArcReclaimableBytes ?? 0)),
    freeBytes: get("MemFree"),
    cachedBytes: get("Cached"),
    zfsArcReclaimableBytes,
  };
}

/** /proc/spl/kstat/zfs/arcstats: `name type data` lines; what the cache holds above the minimum it keeps. */
export function parseArcReclaimable(text: string): number {
  const values = new Map(
    linesOf(text).map((line) => {
      const [name, , data] = line.trim().split(/\s+/);
      return [name, parseCount(data)];
    }),
  );
  const get = (key: string) => required(values.get(key), "arcstats", key);
  return Math.max(0, get("size") - get("c_min"));
}
