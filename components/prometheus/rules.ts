import { stringify } from "yaml";
import type { AlertName } from "../../monitor/alerts/condition";
import { MOST_RESTARTS } from "../../monitor/alerts/conditions/services";
import { RECENT_SECONDS } from "../../monitor/alerts/recent";
import { ESSENTIAL_COLLECTORS } from "../../monitor/report/snapshot";
import { RATES } from "./rates";
import { aboveThreshold, THRESHOLDS_USED } from "./thresholds";

/** What the rules follow of the stack's settings; thresholds they take from the monitor's own metrics. */
export interface RuleSettings {
  /** `monitor.alerts.for`, as Prometheus writes durations: how long a condition must hold. Default `1m`. */
  readonly for?: string;
  /** Seconds; `monitor.interval`. Default 10. */
  readonly intervalSeconds?: number;
}

interface Rule {
  readonly expr: string;
  /** warning or critical, or a template that is one of them. */
  readonly severity: string;
  /** What people read, of a template with labels and value. */
  readonly summary: string;
  /** A fact needs no time. */
  readonly immediate?: boolean;
}

const RECENT = `${RECENT_SECONDS / 60}m`;
const PERCENT = "{{ $value | humanizePercentage }}";

/** What every host has is critical, as the monitor has it (monitor/report/snapshot.ts). */
const COLLECTOR_SEVERITY = `{{ if match "^(${ESSENTIAL_COLLECTORS.join("|")})$" $labels.collector }}critical{{ else }}warning{{ end }}`;

/** increase() reaches beyond what it has seen: 2 may be 2.2, and nothing is 0. */
const RULES: Readonly<Record<AlertName, Rule>> = {
  memory: {
    expr: aboveThreshold("memory"),
    severity: "warning",
    summary: `High memory usage: ${PERCENT}`,
  },
  cpu: {
    expr: aboveThreshold("cpu"),
    severity: "warning",
    summary: `High CPU usage: ${PERCENT}`,
  },
  swap: {
    expr: aboveThreshold("swap"),
    severity: "warning",
    summary: `High swap usage: ${PERCENT}`,
  },
  oom: {
    expr: `increase(airm_oom_kills_elsewhere_total[${RECENT}]) > 0`,
    severity: "critical",
    summary: 'The kernel killed {{ printf "%.0f" $value }} processes outside the services for memory',
    immediate: true,
  },
  slice_memory: {
    expr: aboveThreshold("slice_memory"),
    severity: "warning",
    summary: `All AI services together ({{ $labels.slice }}): memory usage at ${PERCENT}`,
  },
  disk: {
    expr: aboveThreshold("disk"),
    severity: "warning",
    summary: `High disk usage ({{ $labels.mountpoint }}): ${PERCENT}`,
  },
  disk_inodes: {
    expr: aboveThreshold("disk_inodes"),
    severity: "warning",
    summary: `High inode usage ({{ $labels.mountpoint }}): ${PERCENT}`,
  },
  disk_readonly: {
    expr: "airm_filesystem_remounted_readonly == 1",
    severity: "critical",
    summary: "Disk ({{ $labels.mountpoint }}) has become read-only: the kernel saw errors on it",
  },
  disk_mount: {
    expr: 'airm_filesystem_device_error{device=""} == 1',
    severity: "critical",
    summary: "Disk ({{ $labels.mountpoint }}) is not mounted",
  },
  disk_error: {
    expr: 'airm_filesystem_device_error{device!=""} == 1',
    severity: "critical",
    summary: "Disk ({{ $labels.mountpoint }}) cannot be measured",
  },
  service_down: {
    expr: "airm_service_up == 0",
    severity: "critical",
    summary: "Service {{ $labels.service }} is not running",
  },
  service_probe: {
    expr: "airm_service_probe_success == 0",
    severity: "warning",
    summary: "Service {{ $labels.service }} fails its probe",
  },
  service_memory: {
    expr: aboveThreshold("service_memory"),
    severity: "warning",
    summary: `Service {{ $labels.service }} memory usage at ${PERCENT}`,
  },
  service_thrash: {
    expr: aboveThreshold("service_thrash"),
    severity: "warning",
    summary: `Service {{ $labels.service }} waits for memory ${PERCENT} of the time`,
  },
  service_oom: {
    expr: `increase(airm_service_oom_kills_total[${RECENT}]) > 0`,
    severity: "critical",
    summary: "Service {{ $labels.service }}: the kernel killed processes of it for memory",
    immediate: true,
  },
  service_restarts: {
    expr: `increase(airm_service_restarts_total[${RECENT}]) > ${MOST_RESTARTS}.5`,
    severity: "critical",
    summary: 'Service {{ $labels.service }} started again {{ printf "%.0f" $value }} times',
    immediate: true,
  },
  service_vram: {
    expr: aboveThreshold("service_vram"),
    severity: "warning",
    summary: `Service {{ $labels.service }} VRAM usage at ${PERCENT}`,
  },
  gpu: {
    expr: "airm_gpu_failed > 0",
    severity: "critical",
    summary: "{{ $value }} GPUs are lost, or answer no more",
  },
  verification: {
    expr: "airm_manager_verify_success == 0",
    severity: "warning",
    summary: "Drift: ai-resource-manager verify finds that the host is not as declared",
    immediate: true,
  },
  collector: {
    expr: "airm_collector_success == 0",
    severity: COLLECTOR_SEVERITY,
    summary: "Not measured: {{ $labels.collector }}",
  },
};

/** A scrape and an evaluation a minute each, and clocks that differ a little, are no silence. */
const SCRAPES_SECONDS = 150;

/** What only somebody else than the host can tell: that it is silent. */
function silence(intervalSeconds: number): Rule {
  return {
    expr: `time() - airm_last_collection_timestamp_seconds > ${3 * intervalSeconds + SCRAPES_SECONDS} or up{job="ai-resource-monitor"} == 0`,
    severity: "critical",
    summary: "{{ $labels.instance }} is silent: nothing has been collected there",
  };
}

/** Names as Prometheus' are: `service_down` is `AirmServiceDown`. */
export function ruleName(alert: string): string {
  return `Airm${alert.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
}

/**
 * A file of rules for Prometheus (`rule_files`): the alerts of docs/monitor.md, and the rates that they and dashboards use. Each
 * host is compared with its own thresholds, which it tells as `airm_alert_threshold_ratio`.
 */
export function renderPrometheusRules(settings: RuleSettings = {}): string {
  const { for: held = "1m", intervalSeconds = 10 } = settings;
  const rule = (name: string, { expr, severity, summary, immediate = false }: Rule) => ({
    alert: ruleName(name),
    expr,
    ...(immediate ? {} : { for: held }),
    // The monitor's own clear five points below; here it is time that keeps them from coming and going.
    ...(expr.includes("airm_alert_threshold_ratio") ? { keep_firing_for: "5m" } : {}),
    labels: { severity },
    annotations: { summary, runbook: `docs/alerts.md#${name}` },
  });
  return (
    HEADER +
    stringify(
      {
        groups: [
          { name: "airm-rates", rules: RATES },
          { name: "airm-thresholds", rules: THRESHOLDS_USED },
          {
            name: "airm-alerts",
            rules: [
              ...Object.entries(RULES).map(([name, one]) => rule(name, one)),
              rule("silence", silence(intervalSeconds)),
            ],
          },
          {
            name: "airm-heartbeat",
            // Always firing: whoever gets it and then does not knows that Prometheus, or the way from it, is broken.
            rules: [
              {
                alert: ruleName("heartbeat"),
                expr: "vector(1)",
                labels: { severity: "none" },
                annotations: { summary: "Alerts arrive", runbook: "docs/alerts.md#heartbeat" },
              },
            ],
          },
        ],
      },
      { lineWidth: 0 },
    )
  );
}

const HEADER =
  "# Made by goblin-host (components/prometheus/rules.ts): rules for what ai-resource-monitor tells.\n";
