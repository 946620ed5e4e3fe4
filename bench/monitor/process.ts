import { readdirSync, readFileSync } from "node:fs";

/** All threads' time on a CPU, V8's compilers and collectors included. */
export function cpuMilliseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + threadMilliseconds(pid, task), 0);
}

/** JavaScript's thread; other processes' load on the machine does not count. */
export function mainThreadMilliseconds(pid: number): number {
  return threadMilliseconds(pid, String(pid));
}

/** The first number of schedstat: nanoseconds on a CPU. */
function threadMilliseconds(pid: number, task: string): number {
  return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

export function rssMegabytes(pid: number): number {
  const match = /^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
