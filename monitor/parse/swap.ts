import { linesOf, parseCount, ParseError } from "./text";

export type SwapType = "zram" | "file" | "partition";

/** One swap device that is on. */
export interface SwapDevice {
  readonly device: string;
  readonly type: SwapType;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  /** A higher one is filled first. */
  readonly priority: number;
}

/** One zram device (the kernel's admin-guide/blockdev/zram), in bytes. */
export interface ZramDevice {
  readonly device: string;
  readonly diskSizeBytes: number;
  /** What was stored, uncompressed. */
  readonly originalBytes: number;
  readonly compressedBytes: number;
  /** RAM that it takes, overhead included. It is RAM in use already: never add it to swap or memory. */
  readonly memoryUsedBytes: number;
  /** 0 is no limit. */
  readonly memoryLimitBytes: number;
  /** The algorithm in force; the kernel falls back silently from one that it does not know. */
  readonly algorithm: string | undefined;
}

/** /proc/swaps (proc_swaps(5)): a heading, then a line per device, sizes in KiB. */
export function parseSwaps(text: string): SwapDevice[] {
  if (!text.startsWith("Filename")) throw new ParseError("/proc/swaps has no heading: torn");
  return linesOf(text)
    .slice(1)
    .map((line) => {
      const [name, kind, size, used, priority] = line.trim().split(/\s+/);
      const sizeKib = parseCount(size);
      const usedKib = parseCount(used);
      if (name === undefined || sizeKib === undefined || usedKib === undefined || priority === undefined) {
        throw new ParseError(`/proc/swaps has a line that is not whole: ${JSON.stringify(line)}`);
      }
      const device = unescapePath(name);
      return {
        device,
        type: /^\/dev\/zram[0-9]+$/.test(device) ? "zram" : kind === "file" ? "file" : "partition",
        sizeBytes: sizeKib * 1024,
        usedBytes: usedKib * 1024,
        priority: Number(priority),
      };
    });
}

/** /sys/block/zramN/{mm_stat,disksize,comp_algorithm}: mm_stat's columns are positional. */
export function parseZram(
  device: string,
  mmStat: string,
  diskSize: string,
  algorithms: string | undefined,
): ZramDevice {
  const [original, compressed, used, limit] = mmStat.trim().split(/\s+/).map(parseCount);
  const size = parseCount(diskSize.trim());
  if (original === undefined || compressed === undefined || used === undefined || size === undefined) {
    throw new ParseError(`${device}'s mm_stat or disksize is not whole`);
  }
  return {
    device,
    diskSizeBytes: size,
    originalBytes: original,
    compressedBytes: compressed,
    memoryUsedBytes: used,
    memoryLimitBytes: limit ?? 0,
    algorithm: /\[([^\]]+)\]/.exec(algorithms ?? "")?.[1],
  };
}

/** The kernel writes blanks and backslashes of paths as octal, `\040`. */
export function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
