import { parseCount, ParseError } from "./text";

/** The modes that make up all of a CPU's time. `guest` and `guest_nice` are part of user and nice already. */
export const CPU_MODES = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"] as const;
export type CpuMode = (typeof CPU_MODES)[number];
export type CpuSeconds = Readonly<Record<CpuMode, number>>;

/** Time since boot, of all CPUs together and of each that is online. */
export interface CpuTimes {
  readonly total: CpuSeconds;
  readonly cpus: ReadonlyMap<string, CpuSeconds>;
}

/** 1/100 s: what Linux shows to user space on every architecture that Node.js runs on (sysconf(3), _SC_CLK_TCK). */
export const TICKS_PER_SECOND = 100;

/** /proc/stat (proc_stat(5)): the `cpu` lines. */
export function parseCpuTimes(text: string): CpuTimes {
  const cpus = new Map<string, CpuSeconds>();
  let total: CpuSeconds | undefined;
  // Behind them comes a line with a number for each interrupt there can be.
  for (const line of text.match(/^cpu[0-9]* .*/gm) ?? []) {
    const fields = line.split(/\s+/);
    const name = fields[0] ?? "";
    if (name === "cpu") total = seconds(fields);
    else cpus.set(name, seconds(fields));
  }
  if (total === undefined || cpus.size === 0) throw new ParseError("/proc/stat has no cpu lines: torn");
  return { total, cpus };
}

/** Boot's time of day, in seconds since 1970; it follows the clock when that is set. */
export function parseBootTime(text: string): number | undefined {
  return parseCount(/^btime ([0-9]+)$/m.exec(text)?.[1]);
}

/** @param fields a line's, the first of them its name */
function seconds(fields: readonly string[]): CpuSeconds {
  const at = (index: number) => {
    const count = parseCount(fields[index + 1]);
    // Kernels before 2.6.11 had no steal; the first four have always been there.
    if (count === undefined && index < 4) throw new ParseError("/proc/stat has a cpu line that is not whole");
    return (count ?? 0) / TICKS_PER_SECOND;
  };
  return {
    user: at(0),
    nice: at(1),
    system: at(2),
    idle: at(3),
    iowait: at(4),
    irq: at(5),
    softirq: at(6),
    steal: at(7),
  };
}

/**
 * The busy part of the time between two samples, 0 to 1: all but idle and iowait. Counted over the CPUs that both
 * samples have, so that a CPU that came or went in between neither adds nor takes its life's worth; a counter that
 * went backwards counts as no time. Undefined when no time passed.
 */
export function busyRatio(before: CpuTimes, after: CpuTimes): number | undefined {
  let all = 0;
  let idle = 0;
  for (const [name, now] of after.cpus) {
    const then = before.cpus.get(name);
    if (then === undefined) continue;
    for (const mode of CPU_MODES) {
      const delta = Math.max(0, now[mode] - then[mode]);
      all += delta;
      if (mode === "idle" || mode === "iowait") idle += delta;
    }
  }
  return all > 0 ? (all - idle) / all : undefined;
}
