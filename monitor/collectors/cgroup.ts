import { readFileSync } from "node:fs";
import type { Clock } from "../host/clock";
import { errorText, readText } from "../host/files";
import { parseCpuCount, parseCpuLimit, parseCpuStat, parseIoStat, parseLimit } from "../parse/cgroup";
import { keyedCount, parseCount, parseKeyed, required } from "../parse/text";
import type { ServiceCpu, ServiceMemory } from "../report/snapshot";
import { readPressure } from "./cpu";

/** memory.stat counts refaults in pages: 4 KiB, but 64 of some kernels for arm64. */
const PAGE_BYTES = pageBytes();

function pageBytes(): number {
  try {
    const kib = Number(/^KernelPageSize: +([0-9]+) kB$/m.exec(readFileSync("/proc/self/smaps", "utf8"))?.[1]);
    return kib > 0 ? kib * 1024 : 4096;
  } catch {
    return 4096;
  }
}

/** The limits of cgroups and of all above them, each of whose files is read once in a collection. */
export class LimitTree {
  private readonly found = new Map<string, number | undefined>();

  constructor(readonly root: string) {}

  /** The files are read anew. */
  begin(): void {
    this.found.clear();
  }

  /** A slice's limit holds for all below it: the limit of a cgroup is the least from it up to the root. */
  least(folder: string, file: string, parse: (text: string) => number | undefined): number | undefined {
    const path = `${folder}/${file}`;
    if (this.found.has(path)) return this.found.get(path);
    const text = readText(`${this.root}/${path}`);
    const own = text === undefined ? undefined : parse(text);
    const end = folder.lastIndexOf("/");
    const above = end < 0 ? undefined : this.least(folder.slice(0, end), file, parse);
    const least = own === undefined || above === undefined ? (own ?? above) : Math.min(own, above);
    this.found.set(path, least);
    return least;
  }
}

/**
 * A cgroup's own numbers (the kernel's admin-guide/cgroup-v2). A controller that is off has no files: undefined. So is what
 * could not be read, which spares the rest.
 * @param problems receives why, with the file
 */
export function readCgroup(limits: LimitTree, folder: string, clock: Clock, problems: string[]) {
  const { root } = limits;
  const read = (file: string) => readText(`${root}/${folder}/${file}`);
  const part = <T>(file: string, action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      const why = errorText(error);
      const named = why.startsWith(file) ? `${folder}/${why}` : `${folder}/${file}*: ${why}`;
      problems.push(why.includes(`${folder}/`) ? why : named);
      return undefined;
    }
  };
  const readAtSeconds = clock.monotonic();
  return {
    readAtSeconds,
    cpu: part("cpu.", () => readCpu(limits, folder)),
    memory: part("memory.", () => readMemory(limits, folder)),
    tasks: part("pids.current", () => parseCount(read("pids.current")?.trim())),
    io: part("io.stat", () => {
      const io = read("io.stat");
      return io === undefined ? undefined : parseIoStat(io);
    }),
    pressure: part("pressure", () => readPressure((resource) => `${root}/${folder}/${resource}.pressure`)),
  };
}

/** Undefined where the memory controller is off. */
export function readMemory(limits: LimitTree, folder: string): ServiceMemory | undefined {
  const read = (file: string) => readText(`${limits.root}/${folder}/${file}`);
  const current = read("memory.current");
  const stat = read("memory.stat");
  if (current === undefined || stat === undefined) return undefined;
  const usageBytes = required(parseCount(current.trim()), `${folder}/memory.current`, "number");
  const get = (key: string) => required(keyedCount(stat, key), `${folder}/memory.stat`, key);
  const or0 = (key: string) => keyedCount(stat, key) ?? 0;
  const cacheBytes = get("inactive_file") + get("active_file");
  // What must be written first is not dropped at once.
  const cleanBytes = Math.max(0, cacheBytes - or0("file_dirty") - or0("file_writeback"));
  const refaults = keyedCount(stat, "workingset_refault_file");
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - get("inactive_file")),
    usedBytes: Math.max(0, usageBytes - cleanBytes - or0("slab_reclaimable")),
    refaultedBytes:
      refaults === undefined ? undefined : (refaults + or0("workingset_refault_anon")) * PAGE_BYTES,
    anonBytes: get("anon"),
    fileBytes: get("file"),
    mappedFileBytes: get("file_mapped"),
    swapBytes: parseCount(read("memory.swap.current")?.trim()),
    peakBytes: parseCount(read("memory.peak")?.trim()),
    limitBytes: limits.least(folder, "memory.max", parseLimit),
    events: parseKeyed(read("memory.events") ?? ""),
  };
}

function readCpu(limits: LimitTree, folder: string): ServiceCpu | undefined {
  const { root } = limits;
  const stat = readText(`${root}/${folder}/cpu.stat`);
  if (stat === undefined) return undefined;
  const cpuset = readText(`${root}/${folder}/cpuset.cpus.effective`);
  return {
    ...parseCpuStat(stat),
    limitCores: limits.least(folder, "cpu.max", parseCpuLimit),
    cpusetCores: cpuset === undefined ? undefined : parseCpuCount(cpuset),
  };
}
