import type { SettledConfig } from "../config/schema";
import type { Usage } from "./usage";

/**
 * Room for more work. A headroom is how much more of a resource, as a ratio of all of it, can be used before its
 * alert: 0 at the threshold or above. Undefined is not measured, or there is none.
 */
export interface Capacity {
  /** No resource is at its threshold, and memory and CPU are measured. */
  readonly available: boolean;
  readonly headroom: Readonly<Record<"memory" | "cpu" | "swap" | "disk", number | undefined>>;
}

export function deriveCapacity(usage: Usage, thresholds: SettledConfig["thresholds"]): Capacity {
  const left = (ratio: number | undefined, percent: number) =>
    ratio === undefined ? undefined : Math.max(0, percent / 100 - ratio);
  const headroom = {
    memory: left(usage.memory?.ratio, thresholds.memory),
    cpu: left(usage.cpuRatio, thresholds.cpu),
    swap: left(usage.swap?.judged?.ratio, thresholds.swap),
    disk: left(usage.disk?.ratio, thresholds.disk),
  };
  const measured = headroom.memory !== undefined && headroom.cpu !== undefined;
  return { available: measured && Object.values(headroom).every((room) => room !== 0), headroom };
}
