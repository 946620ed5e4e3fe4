import { readRequired, readText } from "../host/files";
import type { Roots } from "../host/roots";
import { CPU_MODES, type CpuMode, type CpuSeconds, type CpuTimes, parseCpuTimes } from "../parse/cpu";
import { type Load, parseLoad, parseOomKills } from "../parse/load";
import { parseStall, type Pressure, PRESSURE_RESOURCES, type Stall } from "../parse/pressure";

/**
 * The CPU times, whose sums only grow: the kernel's own iowait and idle may go backwards (proc_stat(5)), which Prometheus
 * would take for a restart and count anew.
 */
export class CpuCollector {
  private before: CpuSeconds | undefined;
  private told: CpuSeconds | undefined;

  collect({ procfs }: Roots): CpuTimes {
    const times = parseCpuTimes(readRequired(`${procfs}/stat`));
    const { before, told } = this;
    const { total } = times;
    const sum = (mode: CpuMode) =>
      before === undefined || told === undefined
        ? total[mode]
        : told[mode] + Math.max(0, total[mode] - before[mode]);
    this.told = Object.fromEntries(CPU_MODES.map((mode) => [mode, sum(mode)])) as Record<CpuMode, number>;
    this.before = total;
    return { ...times, total: this.told };
  }
}

export function collectLoad({ procfs }: Roots): Load {
  return parseLoad(readRequired(`${procfs}/loadavg`));
}

export function collectOomKills({ procfs }: Roots): number | undefined {
  const text = readText(`${procfs}/vmstat`);
  return text === undefined ? undefined : parseOomKills(text);
}

/** Undefined on a kernel without PSI, or with `psi=0`. */
export function collectPressure({ procfs }: Roots): Pressure | undefined {
  return readPressure((resource) => `${procfs}/pressure/${resource}`);
}

/** The pressure files of the host or of one cgroup. */
export function readPressure(pathOf: (resource: string) => string): Pressure | undefined {
  const [cpu, memory, io] = PRESSURE_RESOURCES.map((resource): Stall | undefined => {
    const text = readText(pathOf(resource));
    return text === undefined ? undefined : parseStall(text);
  });
  return cpu === undefined && memory === undefined && io === undefined ? undefined : { cpu, memory, io };
}
