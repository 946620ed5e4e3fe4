import { readRequired, readText } from "../host/files";
import type { Roots } from "../host/roots";
import { type CpuTimes, parseCpuTimes } from "../parse/cpu";
import { type Load, parseLoad, parseOomKills } from "../parse/load";
import { parseStall, type Pressure, PRESSURE_RESOURCES, type Stall } from "../parse/pressure";

export function collectCpu({ procfs }: Roots): CpuTimes {
  return parseCpuTimes(readRequired(`${procfs}/stat`));
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
