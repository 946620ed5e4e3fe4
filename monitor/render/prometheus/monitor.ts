import type { AlertInput } from "../../alerts/condition";
import { keyOf } from "../../alerts/machine";
import type { Gpu } from "../../parse/gpu";
import type { Report } from "../../report/report";
import { watchedDeployment } from "../../report/deployment";
import { type Family, labelled, type Labels, type Sample, single } from "./family";

const gpu = (name: string, help: string, value: (device: Gpu) => number | undefined) =>
  labelled("gauge", `gpu_${name}`, help, ({ snapshot }) =>
    (snapshot.gpu?.gpus ?? []).map((device) => [{ gpu: device.index }, value(device)]),
  );

const gpus: Family[] = [
  labelled("gauge", "gpu_info", "A GPU.", ({ snapshot }) =>
    (snapshot.gpu?.gpus ?? []).map(({ index, uuid, name, driverVersion }) => [
      { gpu: index, uuid, name, driver_version: driverVersion },
      1,
    ]),
  ),
  single(
    "gauge",
    "gpu_failed",
    "GPUs that the driver lost, or that answer no more.",
    ({ snapshot }) => snapshot.gpu?.problems.length,
  ),
  gpu("utilization_ratio", "Part of the time in which kernels ran.", (device) => device.utilizationRatio),
  gpu("memory_total_bytes", "VRAM.", (device) => device.memoryTotalBytes),
  gpu("memory_used_bytes", "VRAM in use.", (device) => device.memoryUsedBytes),
  gpu("temperature_celsius", "Temperature of the core.", (device) => device.temperatureCelsius),
  gpu("power_watts", "Power drawn.", (device) => device.powerWatts),
  gpu("power_limit_watts", "Power limit.", (device) => device.powerLimitWatts),
  single(
    "counter",
    "gpu_malformed_lines_total",
    "Lines of nvidia-smi that were not understood.",
    ({ snapshot }) => snapshot.gpu?.malformedLines,
  ),
];

const LABELS_OF_ALERTS = new WeakMap<AlertInput, Labels>();

/** Of a condition, which three metrics tell of. */
function alertLabels(input: AlertInput): Labels {
  const { alert, severity, labels } = input;
  let all = LABELS_OF_ALERTS.get(input);
  if (all === undefined) LABELS_OF_ALERTS.set(input, (all = { alert, severity, ...labels }));
  return all;
}

const inPhase =
  (phase: "firing" | "pending") =>
  ({ inputs, alerts }: Report): Sample[] => {
    const held = new Set(alerts.filter((alert) => alert.phase === phase).map(keyOf));
    return inputs.map((input) => [alertLabels(input), Number(held.size > 0 && held.has(keyOf(input)))]);
  };

const alerts: Family[] = [
  labelled("gauge", "alert_threshold_ratio", "Above which an alert is raised.", ({ inputs }) =>
    inputs
      .filter(({ threshold, immediate }) => threshold > 0 && !immediate)
      .map((input): Sample => [alertLabels(input), input.threshold]),
  ),
  labelled("gauge", "alert_firing", "1 while an alert fires.", inPhase("firing")),
  labelled(
    "gauge",
    "alert_pending",
    "1 while a condition holds that is not yet an alert.",
    inPhase("pending"),
  ),
  labelled(
    "counter",
    "alert_notifications_total",
    "Messages to who is told of alerts: delivered, sent (nobody says whether it arrived), failed (and tried again), or refused for good.",
    ({ sinks }) =>
      sinks.flatMap(({ sink, outcomes }) =>
        Object.entries(outcomes).map(([outcome, count]): Sample => [{ sink, outcome }, count]),
      ),
  ),
  labelled(
    "gauge",
    "alert_notifications_waiting",
    "Messages that wait for who is told of alerts.",
    ({ sinks }) => sinks.map(({ sink, waiting }): Sample => [{ sink }, waiting]),
  ),
  labelled(
    "counter",
    "alert_notifications_dropped_total",
    "Messages that were given up, because more came than are kept.",
    ({ sinks }) => sinks.map(({ sink, dropped }): Sample => [{ sink }, dropped]),
  ),
  single(
    "counter",
    "alert_log_errors_total",
    "Writes to alerts.log that failed.",
    ({ counts }) => counts.logErrors,
  ),
];

const manager: Family[] = [
  single(
    "gauge",
    "manager_verify_success",
    "1 when the last verification found no drift.",
    ({ snapshot: { verification } }) =>
      verification === undefined ? undefined : Number(verification.exitCode === 0),
  ),
  single(
    "gauge",
    "manager_verify_findings",
    "Findings of the last verification.",
    ({ snapshot }) => snapshot.verification?.findings,
  ),
  single(
    "gauge",
    "manager_verify_timestamp_seconds",
    "When the last verification ran, in seconds since 1970.",
    ({ snapshot }) => snapshot.verification?.time,
  ),
  labelled(
    "gauge",
    "deployment_watched",
    "1 for the deployment after which the host is still watched.",
    ({ snapshot, config }) => {
      const watched = watchedDeployment(snapshot, config.watchHours);
      return watched === undefined ? [] : [[{ deployment: watched }, 1]];
    },
  ),
  labelled(
    "gauge",
    "limit_enforced",
    "1 where the kernel enforced a declared limit at the manager's last look, 0 where it is inert or unsupported.",
    ({ snapshot }) =>
      (snapshot.limits ?? []).map(({ service, limit, verdict }) => [
        { service, limit, verdict },
        Number(verdict === "enforced"),
      ]),
  ),
];

const own: Family[] = [
  single("gauge", "capacity_available", "1 when more work may be sent here.", ({ capacity }) =>
    Number(capacity.available),
  ),
  labelled(
    "gauge",
    "capacity_headroom_ratio",
    "What can still be used of a resource before its alert.",
    ({ capacity }) => Object.entries(capacity.headroom).map(([resource, room]) => [{ resource }, room]),
  ),
  labelled(
    "gauge",
    "collector_success",
    "0 when a collector failed; a host without its data is no failure.",
    ({ snapshot }) =>
      snapshot.collectors.map(({ name, state }) => [{ collector: name }, Number(state !== "failed")]),
  ),
  labelled("gauge", "collector_duration_seconds", "How long a collector took.", ({ snapshot }) =>
    snapshot.collectors.map(({ name, durationSeconds }) => [{ collector: name }, durationSeconds]),
  ),
  single(
    "gauge",
    "last_collection_timestamp_seconds",
    "When these values were read, in seconds since 1970.",
    ({ snapshot }) => snapshot.time / 1000,
  ),
  single(
    "counter",
    "collections_total",
    "Collections since the monitor started.",
    ({ counts }) => counts.collections,
  ),
  single(
    "counter",
    "missed_intervals_total",
    "Intervals without a collection, because the one before had not ended.",
    ({ counts }) => counts.missedIntervals,
  ),
  single(
    "counter",
    "state_errors_total",
    "Writes of the history or of the alerts' state that failed.",
    ({ counts }) => counts.stateErrors,
  ),
  labelled("gauge", "build_info", "The monitor itself.", ({ version }) => [[{ version }, 1]]),
];

export const MONITOR_FAMILIES: readonly Family[] = [...gpus, ...alerts, ...manager, ...own];
