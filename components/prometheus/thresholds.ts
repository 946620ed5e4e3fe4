import type { AlertName } from "../../monitor/alerts/condition";
import type { Recorded } from "./rates";

/** What an alert compares with a threshold, and what there is one of: a host, or each of its services. */
interface Measured {
  readonly value: string;
  readonly each?: "service";
}

/** The alerts that compare a ratio. */
const MEASURED = {
  memory: { value: "airm_memory_used_ratio" },
  cpu: { value: "airm_cpu_used_ratio" },
  swap: { value: "airm_swap_judged_ratio" },
  slice_memory: { value: "airm_slice_memory_used_ratio" },
  disk: { value: "airm_filesystem_used_ratio" },
  disk_inodes: { value: "(1 - airm_filesystem_files_free / (airm_filesystem_files > 0))" },
  service_memory: { value: "airm_service_memory_used_ratio", each: "service" },
  service_thrash: { value: "airm_service_thrash_ratio", each: "service" },
  service_vram: { value: "airm_service_vram_used_ratio", each: "service" },
} as const satisfies Partial<Record<AlertName, Measured>>;
export type RatioAlert = keyof typeof MEASURED;

/** Each host's own threshold for an alert, so that one file of rules is right for a whole fleet. */
function compared(alert: RatioAlert, operator: ">" | "/"): string {
  const { value, each }: Measured = MEASURED[alert];
  const labels = ["job", "instance", ...(each === undefined ? [] : [each])].join(", ");
  return `${value} ${operator} on (${labels}) group_left () max by (${labels}) (airm_alert_threshold_ratio{alert="${alert}"})`;
}

export const aboveThreshold = (alert: RatioAlert): string => compared(alert, ">");

/** How near to its alert each value is: 1 is at the threshold, whatever that is on its host. */
export const THRESHOLDS_USED: readonly (Recorded & { readonly labels: { readonly alert: RatioAlert } })[] = (
  Object.keys(MEASURED) as RatioAlert[]
).map((alert) => ({
  record: "airm:alert_threshold_used:ratio",
  expr: compared(alert, "/"),
  labels: { alert },
}));
