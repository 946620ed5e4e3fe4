import { percent, sizeOf } from "../render/numbers";
import type { Share } from "../report/usage";

export const ALERT_NAMES = [
  "memory",
  "cpu",
  "swap",
  "oom",
  "slice_memory",
  "disk",
  "disk_inodes",
  "disk_readonly",
  "disk_mount",
  "disk_error",
  "service_down",
  "service_probe",
  "service_memory",
  "service_thrash",
  "service_oom",
  "service_restarts",
  "service_vram",
  "gpu",
  "verification",
  "collector",
] as const;
export type AlertName = (typeof ALERT_NAMES)[number];

/** A service, the path of a filesystem, a GPU by its index, or a collector. With the alert's name they tell one from another. */
export type Labels = Readonly<Partial<Record<(typeof LABEL_NAMES)[number], string>>>;
export const LABEL_NAMES = ["service", "path", "gpu", "collector"] as const;

/** One condition, as it is now. */
export interface AlertInput {
  readonly alert: AlertName;
  /** What it is about; nothing is the host. */
  readonly labels: Labels;
  readonly severity: "warning" | "critical";
  /** What is compared; undefined is not measured now, which neither raises nor clears. */
  readonly value: number | undefined;
  /** Raised above it. A ratio, except for conditions that are there or not, or that are counted. */
  readonly threshold: number;
  /** Whether it must hold for `alerts.forSeconds` first; a fact needs no time. */
  readonly immediate: boolean;
  /** What the log says, raised and cleared alike. */
  readonly message: string;
}

type About = Labels & Partial<Pick<AlertInput, "severity" | "immediate">>;

/** A ratio that is compared with a percentage. */
export function ratioAbove(
  alert: AlertName,
  value: number | undefined,
  percentage: number,
  message: string,
  about: About = {},
): AlertInput {
  return input(alert, value, percentage / 100, message, about);
}

/** What is there (true) or not; a warning unless it is told otherwise. */
export function fact(
  alert: AlertName,
  holds: boolean | undefined,
  message: string,
  about: About = {},
): AlertInput {
  return input(alert, holds === undefined ? undefined : Number(holds), 0, message, about);
}

/** So many of what should be at most `most`, which are known at once. */
export function countAbove(
  alert: AlertName,
  value: number | undefined,
  most: number,
  message: string,
  about: About = {},
): AlertInput {
  return input(alert, value, most, message, { immediate: true, ...about });
}

/** `92% (18.4GB/20GB)` */
export function partOf(share: Share | undefined): string {
  return share === undefined
    ? "none"
    : `${percent(share.ratio)} (${sizeOf(share.usedBytes, share.sizeBytes)})`;
}

function input(
  alert: AlertName,
  value: number | undefined,
  threshold: number,
  message: string,
  { severity = "warning", immediate = false, ...labels }: About,
): AlertInput {
  return { alert, labels, severity, value, threshold, immediate, message };
}
