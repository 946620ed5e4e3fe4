import { parseCount, ParseError } from "./text";

/** Time lost to one resource since boot, in seconds (the kernel's accounting/psi). */
export interface Stall {
  /** At least one task waited. */
  readonly waitingSeconds: number;
  /** All tasks waited: nothing was done. */
  readonly stalledSeconds: number | undefined;
}

export interface Pressure {
  readonly cpu: Stall | undefined;
  readonly memory: Stall | undefined;
  readonly io: Stall | undefined;
}

export const PRESSURE_RESOURCES = ["cpu", "memory", "io"] as const;

/** /proc/pressure/NAME or a cgroup's NAME.pressure: `some ... total=MICROSECONDS`, and `full` alike. */
export function parseStall(text: string): Stall {
  const total = (word: string) => {
    const count = parseCount(new RegExp(`^${word} .*total=([0-9]+)`, "m").exec(text)?.[1]);
    return count === undefined ? undefined : count / 1e6;
  };
  const waitingSeconds = total("some");
  if (waitingSeconds === undefined) throw new ParseError("a pressure file has no `some` line: torn");
  return { waitingSeconds, stalledSeconds: total("full") };
}
