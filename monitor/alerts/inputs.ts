import type { CollectorFailures } from "./collector-failures";
import type { SettledConfig } from "../config/schema";
import { percent, size, sizeOf } from "../render/numbers";
import type { Snapshot } from "../report/snapshot";
import type { ServiceUsage, Share, Thrash, Usage } from "../report/usage";

export type AlertName =
  | "memory"
  | "cpu"
  | "disk"
  | "disk_mount"
  | "swap"
  | "service_memory"
  | "service_thrash"
  | "service_vram"
  | "gpu"
  | "verification"
  | "collector";

/** One condition, as it is now. */
export interface AlertInput {
  readonly alert: AlertName;
  /** The service that it is about; undefined is the host. */
  readonly service: string | undefined;
  readonly severity: "warning" | "critical";
  /** What is compared; undefined is not measured now, which neither raises nor clears. */
  readonly value: number | undefined;
  /** Raised above it. A ratio, except for conditions that are there or not. */
  readonly threshold: number;
  /** Whether it must hold for `alerts.forSeconds` first; a fact needs no time. */
  readonly immediate: boolean;
  /** What the log says, raised and cleared alike. */
  readonly message: string;
}

export function alertInputs(
  snapshot: Snapshot,
  usage: Usage,
  config: SettledConfig,
  failures: CollectorFailures,
): AlertInput[] {
  const { thresholds, models } = config;
  const { memory, swap, disk, cpuRatio } = usage;
  return [
    ratio("memory", memory?.ratio, thresholds.memory, `High memory usage: ${parts(memory)}`),
    ratio(
      "cpu",
      cpuRatio,
      thresholds.cpu,
      `High CPU usage: ${cpuRatio === undefined ? "" : percent(cpuRatio)}`,
    ),
    ratio("disk", disk?.ratio, thresholds.disk, `High disk usage (${models.path}): ${parts(disk)}`),
    ...(models.mount === "required" ? [mountInput(snapshot, models.path)] : []),
    ratio("swap", swapValue(usage), thresholds.swap, `High swap usage: ${parts(swap?.judged)}`),
    ...config.services.flatMap(({ name, vramThreshold }) =>
      serviceInputs(name, usage, thresholds, vramThreshold),
    ),
    ...gpuInputs(snapshot),
    verificationInput(snapshot),
    collectorInput(failures),
  ];
}

function ratio(alert: AlertName, value: number | undefined, percentage: number, message: string): AlertInput {
  const threshold = percentage / 100;
  return { alert, service: undefined, severity: "warning", value, threshold, immediate: false, message };
}

function parts(share: Share | undefined): string {
  return share === undefined
    ? "none"
    : `${percent(share.ratio)} (${sizeOf(share.usedBytes, share.sizeBytes)})`;
}

/** No disk swap is nothing used of it: an alert that was raised before swapoff ends. */
function swapValue({ swap }: Usage): number | undefined {
  return swap === undefined ? undefined : (swap.judged?.ratio ?? 0);
}

function mountInput({ filesystem }: Snapshot, path: string): AlertInput {
  return {
    alert: "disk_mount",
    service: undefined,
    severity: "critical",
    value: filesystem === undefined ? undefined : filesystem.isMount ? 0 : 1,
    threshold: 0,
    immediate: false,
    message: `Disk (${path}) is ${filesystem?.isMount === true ? "mounted" : "not mounted"}`,
  };
}

/**
 * A service's memory is judged by what the kernel cannot drop: the files of models that are mapped are cache. That it drops them
 * and reads them again shows in the time that the service waits.
 */
function serviceInputs(
  name: string,
  { services }: Usage,
  thresholds: SettledConfig["thresholds"],
  vramThreshold: number | undefined,
): AlertInput[] {
  const service = services?.find(({ sample }) => sample.name === name);
  const stopped = service?.sample.up === false;
  const input = (
    alert: AlertName,
    what: string,
    value: number | undefined,
    percentage: number,
  ): AlertInput => ({
    ...ratio(
      alert,
      value,
      percentage,
      `Service ${name} ${what} usage at ${value === undefined ? "an unknown part" : percent(value)}`,
    ),
    service: name,
  });
  const thrash = stopped ? NOTHING_WAITS : service?.thrash;
  const limitless = service?.sample.running !== undefined && service.memoryRatio === undefined;
  return [
    ...(limitless
      ? []
      : [input("service_memory", "memory", stopped ? 0 : service?.memoryRatio, thresholds.service)]),
    thrashInput(name, thrash, service, thresholds.pressure),
    ...(vramThreshold === undefined
      ? []
      : [input("service_vram", "VRAM", stopped ? 0 : service?.vram?.ratio, vramThreshold)]),
  ];
}

const NOTHING_WAITS: Thrash = { waitingRatio: 0, refaultBytesPerSecond: 0 };

/** Without PSI in the kernel, by how much of its limit it reads again in a minute. */
function thrashInput(
  name: string,
  thrash: Thrash | undefined,
  service: ServiceUsage | undefined,
  percentage: number,
): AlertInput {
  const { waitingRatio, refaultBytesPerSecond } = thrash ?? {};
  const limitBytes = service?.sample.running?.memory?.limitBytes;
  const again = refaultBytesPerSecond === undefined ? "" : `, and reads ${size(refaultBytesPerSecond)}/s of it again`;
  const turnover =
    refaultBytesPerSecond === undefined || limitBytes === undefined || limitBytes === 0
      ? undefined
      : (refaultBytesPerSecond * 60) / limitBytes;
  const [value, message] =
    waitingRatio === undefined
      ? [turnover, `Service ${name} reads its memory again: ${percent(turnover ?? 0)} of its limit a minute`]
      : [waitingRatio, `Service ${name} waits for memory ${percent(waitingRatio)} of the time${again}`];
  return { ...ratio("service_thrash", value, percentage, message), service: name };
}

/** A card that the driver lost, or that answers no more: what runs on it fails, or has gone on without it. */
function gpuInputs({ gpu, collectors }: Snapshot): AlertInput[] {
  if (collectors.find(({ name }) => name === "gpu")?.state === "absent") return [];
  const problems = gpu?.problems ?? [];
  return [
    {
      alert: "gpu",
      service: undefined,
      severity: "critical",
      value: gpu && problems.length,
      threshold: 0,
      immediate: false,
      message: problems.length === 0 ? "GPUs: all answer" : problems.join(", "),
    },
  ];
}

/** Whose measurements have stopped: their own alerts stay as they are, and this one says that nobody looks. */
function collectorInput({ lasting, value, isBlind }: CollectorFailures): AlertInput {
  const told = lasting.map(({ name, error = "unknown" }) => `${name} (${error})`).join(", ");
  return {
    alert: "collector",
    service: undefined,
    severity: isBlind ? "critical" : "warning",
    value,
    threshold: 0,
    immediate: true,
    message: told === "" ? "Not measured: nothing" : `Not measured: ${told}`,
  };
}

function verificationInput({ verification }: Snapshot): AlertInput {
  const { exitCode, findings } = verification ?? { exitCode: 0, findings: 0 };
  const failed = exitCode !== 0 && findings === 0;
  return {
    alert: "verification",
    service: undefined,
    severity: "warning",
    value: verification === undefined ? undefined : failed ? 1 : findings,
    threshold: 0,
    immediate: true,
    message: failed
      ? `Drift: unknown, ai-resource-manager verify ended with ${exitCode}`
      : `Drift: ${findings} ${findings === 1 ? "finding" : "findings"} by ai-resource-manager verify`,
  };
}
