import * as units from "@grafana/grafana-foundation-sdk/units";
import { HOST } from "./host";
import type { Page } from "./shared/dashboard";
import * as missing from "./shared/missing";
import { lines, table, timeline } from "./shared/panels";
import { HOSTS, line, rows } from "./shared/query";
import { SCRAPED, TAKES_WORK } from "./shared/states";
import { joined } from "./shared/tables";
import { TOKENS_PER_SECOND } from "./shared/units";
import { NEAR_ITS_THRESHOLD, NONE_IS_GOOD, NONE_IS_USUAL } from "./shared/thresholds";
import { ofHosts } from "./shared/variables";

const H = `{${HOSTS}}`;
const each = (expr: string) => rows(`max by (job, instance) (${expr})`);

/** The dashboard of the host whose row it is, with the same Prometheus and time. */
const TO_HOST = {
  title: "${__data.fields.Host}",
  url: `/d/${HOST.uid}?\${datasource:queryparam}&var-job=\${__data.fields.Job:percentencode}&var-instance=\${__data.fields.Host:percentencode}&\${__url_time_range}`,
};

const hosts = joined(
  table(
    {
      title: "Hosts",
      description:
        "A row for each; a click on its name leads to it. Nearest to its threshold: the one value that is nearest to an alert, 100% raises it. Last seen: minutes are a host that is frozen, off or cut off.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 24,
      height: 12,
    },
    each(`up${H}`),
    rows(
      `time() - max by (job, instance) (last_over_time(airm_last_collection_timestamp_seconds${H}[$__range]))`,
    ),
    each(`airm_capacity_available${H}`),
    rows(`sum by (job, instance) (airm_alert_firing${H})`),
    each(`airm:alert_threshold_used:ratio${H}`),
    each(`airm_memory_used_ratio${H}`),
    each(`airm_memory_total_bytes${H}`),
    each(`airm_swap_used_ratio${H}`),
    each(`airm_cpu_used_ratio${H}`),
    each(`airm_cpu_online${H}`),
    each(`airm_filesystem_used_ratio${H}`),
    each(`airm_gpu_utilization_ratio${H}`),
    rows(`sum by (job, instance) (airm_service_up${H})`),
    each(`airm_manager_verify_findings${H}`),
  ),
  { instance: "Host", job: "Job" },
  [
    { name: "Answers", mappings: SCRAPED },
    { name: "Last seen", unit: units.Seconds, decimals: 0 },
    { name: "Takes work", mappings: TAKES_WORK },
    { name: "Alerts", decimals: 0, thresholds: NONE_IS_GOOD },
    { name: "Nearest to its threshold", unit: units.PercentUnit, thresholds: NEAR_ITS_THRESHOLD },
    { name: "Memory", unit: units.PercentUnit },
    { name: "RAM", unit: units.BytesIEC },
    { name: "Swap", unit: units.PercentUnit },
    { name: "CPU", unit: units.PercentUnit },
    { name: "Cores", decimals: 0 },
    { name: "Fullest disk", unit: units.PercentUnit },
    { name: "Busiest GPU", unit: units.PercentUnit },
    { name: "Services running", decimals: 0 },
    { name: "Drift", decimals: 0, thresholds: NONE_IS_USUAL },
  ],
).overrideByName("Host", [{ id: "links", value: [TO_HOST] }]);

const compared = [
  timeline(
    {
      title: "Answers",
      description: "Hosts that Prometheus asks in vain, and since when.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`up${H}`, "{{instance}}"),
  ).mappings(SCRAPED),
  lines(
    {
      title: "Alerts that fire",
      description: "By the monitors themselves. Which: the dashboard Alerts.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`sum by (instance) (airm_alert_firing${H})`, "{{instance}}"),
  ).decimals(0),
  lines(
    {
      title: "Nearest to its threshold",
      description:
        "Of each host the value that is nearest to an alert, as a part of that host's own threshold: hosts with different thresholds can be compared.",
      unit: units.PercentUnit,
      missing: missing.NOT_RECORDED,
      width: 12,
    },
    line(`max by (instance) (airm:alert_threshold_used:ratio${H})`, "{{instance}}"),
  ),
  lines(
    {
      title: "Room for more work",
      description:
        "What can still be used of the scarcest resource before its alert. The next model goes where there is most.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`min by (instance) (airm_capacity_headroom_ratio${H})`, "{{instance}}"),
  ),
  lines(
    {
      title: "Tokens generated",
      description: "By all llama-servers of a host together.",
      unit: TOKENS_PER_SECOND,
      missing: missing.NO_LLAMA_CPP,
      width: 12,
    },
    line(`sum by (instance) (airm:service_predicted_tokens:per_second${H})`, "{{instance}}"),
  ),
  lines(
    {
      title: "Waits for memory",
      description:
        "Part of the time in which something on the host waited for memory (PSI): it swaps, or reads models again.",
      unit: units.PercentUnit,
      missing: missing.NO_PRESSURE,
      width: 12,
    },
    line(`airm:pressure_memory_waiting:ratio${H}`, "{{instance}}"),
  ),
];

export const FLEET: Page = {
  uid: "airm-fleet",
  title: "Fleet",
  description: "Which of the hosts needs a look, and which has room?",
  variables: ofHosts(),
  sections: [
    { title: "Hosts", panels: [hosts] },
    { title: "Compared", panels: compared },
  ],
};
