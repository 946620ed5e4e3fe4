import type { SettledConfig } from "../../config/schema";
import { percent } from "../../render/numbers";
import { isAbsent, type Snapshot } from "../../report/snapshot";
import type { Usage } from "../../report/usage";
import { type AlertInput, countAbove, partOf, ratioAbove } from "../condition";
import { RECENT_SECONDS } from "../recent";

export function hostConditions(
  { memory, cpuRatio, swap }: Usage,
  thresholds: SettledConfig["thresholds"],
): AlertInput[] {
  // No disk swap is nothing used of it: an alert that was raised before swapoff ends.
  const swapped = swap === undefined ? undefined : (swap.judged?.ratio ?? 0);
  return [
    ratioAbove("memory", memory?.ratio, thresholds.memory, `High memory usage: ${partOf(memory)}`),
    ratioAbove(
      "cpu",
      cpuRatio,
      thresholds.cpu,
      `High CPU usage: ${cpuRatio === undefined ? "" : percent(cpuRatio)}`,
    ),
    ratioAbove("swap", swapped, thresholds.swap, `High swap usage: ${partOf(swap?.judged)}`),
  ];
}

/** All AI services together, against the budget that they share. */
export function sliceConditions(
  snapshot: Snapshot,
  { slice }: Usage,
  thresholds: SettledConfig["thresholds"],
): AlertInput[] {
  if (isAbsent(snapshot, "slice")) return [];
  return [
    ratioAbove(
      "slice_memory",
      slice?.memory?.ratio,
      thresholds.service,
      `All AI services together${slice === undefined ? "" : ` (${slice.name})`}: memory usage at ${partOf(slice?.memory)}`,
    ),
  ];
}

/** @param elsewhere kills of late that were in no service */
export function oomCondition(snapshot: Snapshot, elsewhere: number | undefined): AlertInput[] {
  if (isAbsent(snapshot, "oom")) return [];
  const minutes = RECENT_SECONDS / 60;
  return [
    countAbove(
      "oom",
      elsewhere,
      0,
      `Out of memory: the kernel killed ${elsewhere ?? 0} ${elsewhere === 1 ? "process" : "processes"} outside the services within ${minutes} min`,
      { severity: "critical" },
    ),
  ];
}
