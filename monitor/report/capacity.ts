import type { SettledConfig } from "../config/schema";
import type { Snapshot } from "./snapshot";
import type { Usage } from "./usage";

export const RESOURCES = ["memory", "cpu", "swap", "disk", "vram"] as const;
export type Resource = (typeof RESOURCES)[number];

/**
 * Room for more work. A headroom is how much more of a resource, as a ratio of all of it, can be used before its
 * alert: 0 at the threshold or above. Undefined is not measured, or there is none.
 */
export interface Capacity {
  /** Whether more work may be sent here. */
  readonly available: boolean;
  /** Why not, in words; empty when it may. */
  readonly reasons: readonly string[];
  readonly headroom: Readonly<Record<Resource, number | undefined>>;
}

/** What was full stays so until so much of it is free again: work that comes and goes must not turn it on and off. */
const MARGIN = 0.05 - 1e-9;

/** Judges each collection, and remembers what was full. */
export class CapacityGate {
  private full = new Set<Resource>();

  judge(snapshot: Snapshot, usage: Usage, config: SettledConfig): Capacity {
    const headroom = headroomOf(snapshot, usage, config);
    this.full = new Set(
      RESOURCES.filter((resource) => {
        const room = headroom[resource];
        // Not measured for once is as it was.
        if (room === undefined) return this.full.has(resource);
        return this.full.has(resource) ? room < MARGIN : room === 0;
      }),
    );
    const unseen = (["memory", "cpu"] as const).filter((resource) => headroom[resource] === undefined);
    const reasons = [
      ...[...this.full].map((resource) => `${resource} is full`),
      ...unseen.map((resource) => `${resource} is not measured`),
    ];
    return { available: reasons.length === 0, reasons, headroom };
  }
}

function headroomOf(
  { gpu }: Snapshot,
  usage: Usage,
  { thresholds, services }: SettledConfig,
): Capacity["headroom"] {
  const left = (ratio: number | undefined, percent: number) =>
    ratio === undefined ? undefined : Math.max(0, percent / 100 - ratio);
  // No kernel enforces a budget of VRAM, so what counts is the fullest one, of those that somebody has set a threshold for.
  const vram = services.flatMap(({ name, vramThreshold }) => {
    const ratio = usage.services?.find(({ sample }) => sample.name === name)?.vram?.ratio;
    const room = vramThreshold === undefined ? undefined : left(ratio, vramThreshold);
    return room ?? [];
  });
  const free = (gpu?.gpus ?? []).flatMap(({ memoryTotalBytes: all, memoryUsedBytes: used }) =>
    all === undefined || used === undefined || all === 0 ? [] : [Math.max(0, 1 - used / all)],
  );
  const rooms = vram.length > 0 ? vram : free;
  return {
    memory: left(usage.memory?.ratio, thresholds.memory),
    cpu: left(usage.cpuRatio, thresholds.cpu),
    swap: left(usage.swap?.judged?.ratio, thresholds.swap),
    disk: left(usage.disk?.ratio, thresholds.disk),
    vram: rooms.length === 0 ? undefined : Math.min(...rooms),
  };
}
