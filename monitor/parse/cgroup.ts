import { keyedCount, linesOf, parseCount, ParseError } from "./text";

/** A number, or no limit (`max`). */
export function parseLimit(text: string): number | undefined {
  const word = text.trim();
  if (word === "max") return undefined;
  const count = parseCount(word);
  if (count === undefined)
    throw new ParseError(`a limit that is neither a number nor max: ${JSON.stringify(word)}`);
  return count;
}

/** cpu.max, `QUOTA PERIOD` in microseconds: the cores that it allows, or no limit. */
export function parseCpuLimit(text: string): number | undefined {
  const [quota = "", period] = text.trim().split(/\s+/);
  const periodMicroseconds = parseCount(period);
  const limit = parseLimit(quota);
  if (periodMicroseconds === undefined || periodMicroseconds === 0)
    throw new ParseError("cpu.max is not whole");
  return limit === undefined ? undefined : limit / periodMicroseconds;
}

/** cpuset.cpus.effective, a list such as `0-3,6`: how many CPUs. Undefined where it names none. */
export function parseCpuCount(text: string): number | undefined {
  const ranges = text
    .trim()
    .split(",")
    .map((range) => /^([0-9]+)(?:-([0-9]+))?$/.exec(range));
  if (text.trim() === "") return undefined;
  return ranges.reduce((sum, range) => {
    const [, first, last = first] = range ?? [];
    const count = Number(last) - Number(first) + 1;
    if (!(count > 0)) throw new ParseError(`a list of CPUs that is none: ${JSON.stringify(text.trim())}`);
    return sum + count;
  }, 0);
}

/** What cpu.stat counts, in seconds. The periods are there only where the cpu controller is on. */
export interface CgroupCpu {
  readonly usageSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly periods: number | undefined;
  readonly throttledPeriods: number | undefined;
  readonly throttledSeconds: number | undefined;
}

export function parseCpuStat(text: string): CgroupCpu {
  const seconds = (key: string) => {
    const value = keyedCount(text, key);
    return value === undefined ? undefined : value / 1e6;
  };
  const usageSeconds = seconds("usage_usec");
  if (usageSeconds === undefined) throw new ParseError("cpu.stat has no usage_usec: torn");
  return {
    usageSeconds,
    userSeconds: seconds("user_usec") ?? 0,
    systemSeconds: seconds("system_usec") ?? 0,
    periods: keyedCount(text, "nr_periods"),
    throttledPeriods: keyedCount(text, "nr_throttled"),
    throttledSeconds: seconds("throttled_usec"),
  };
}

/** io.stat: bytes of all devices together. */
export function parseIoStat(text: string): { readBytes: number; writeBytes: number } {
  let readBytes = 0;
  let writeBytes = 0;
  for (const line of linesOf(text)) {
    readBytes += parseCount(/ rbytes=([0-9]+)/.exec(line)?.[1]) ?? 0;
    writeBytes += parseCount(/ wbytes=([0-9]+)/.exec(line)?.[1]) ?? 0;
  }
  return { readBytes, writeBytes };
}

/** Where a process lies in cgroup v2: the `0::` line of /proc/PID/cgroup, without the leading slash. */
export function parseProcessCgroup(text: string): string | undefined {
  return /^0::\/(.*)$/m.exec(text)?.[1];
}

/** When a process started, in seconds after boot: field 22 of /proc/PID/stat, counted after the name's last `)`. */
export function parseStartTicks(text: string): number | undefined {
  return parseCount(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
}

/** A service's slice, where none is given for it. */
export function sliceOf({
  name,
  slice,
}: {
  readonly name: string;
  readonly slice?: string | undefined;
}): string {
  return slice ?? `ai-${name.replaceAll("-", "")}.slice`;
}

/** Slice names nest by dashes (systemd.slice(5)): `ai-ollama.slice` is `ai.slice/ai-ollama.slice`. */
export function slicePath(slice: string): string {
  const parts = slice.replace(/\.slice$/, "").split("-");
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("-")}.slice`).join("/");
}

/** A container's cgroup by its folder's name: `docker-ID.scope` (systemd driver) or `ID` (cgroupfs driver). */
export function containerId(folder: string): string | undefined {
  return /^(?:docker-)?([0-9a-f]{64})(?:\.scope)?$/.exec(folder)?.[1];
}
