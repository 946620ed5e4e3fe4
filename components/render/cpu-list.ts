/** The highest CPU number that a list may name; the kernel's own bound (CONFIG_NR_CPUS) is 8192. */
const HIGHEST_CPU = 8191;

/**
 * Reads a CPU list as the kernel writes it, `0-3,6`.
 * @returns its CPUs, sorted and without repetition
 * @throws RangeError when it is no such list
 */
export function parseCpuList(text: string | number): number[] {
  const cpus = new Set<number>();
  for (const part of String(text).split(",")) {
    const match = /^ *([0-9]{1,4})(?:-([0-9]{1,4}))? *$/.exec(part);
    if (match === null) throw new RangeError("a part of it is neither a core nor a range of cores");
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) throw new RangeError(`the range ${part.trim()} runs backwards`);
    if (last > HIGHEST_CPU) throw new RangeError(`core ${last} is beyond ${HIGHEST_CPU}, the kernel's last`);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

/** The shortest list of these CPUs, as `cpuset.cpus.effective` prints it: `0-3,6`. */
export function formatCpuList(cpus: readonly number[]): string {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const cpu of sorted) {
    const open = ranges.at(-1);
    if (open !== undefined && open[1] + 1 === cpu) open[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
