import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { counts, lines, timeline } from "../shared/panels";
import { HOSTS, line } from "../shared/query";
import { FIRES, SCRAPED } from "../shared/states";

const H = `{${HOSTS}}`;

export const HISTORY = [
  timeline(
    {
      title: "What fired",
      description:
        "Each alert over time. Again and again: a threshold that is too low, or a cause that was never mended.",
      unit: units.Short,
      missing: "Nothing fired in this time, or the rules are not loaded",
      width: 16,
      height: 12,
    },
    line(
      `max by (instance, alertname, service, mountpoint) (ALERTS{alertstate="firing", ${HOSTS}})`,
      "{{instance}} {{alertname}} {{service}}{{mountpoint}}",
    ),
  ).mappings(FIRES),
  counts(
    {
      title: "How many fired",
      description: "Many at once, on several hosts: look for what they share.",
      unit: units.Short,
      missing: "Nothing fired in this time, or the rules are not loaded",
      width: 8,
      height: 12,
    },
    line(`count by (severity) (ALERTS{alertstate="firing", ${HOSTS}})`, "{{severity}}"),
  ),
];

/** Whether an alert would reach anybody. */
export const DELIVERY = [
  timeline(
    {
      title: "Scraped",
      description: "Whether the host answers Prometheus.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 8,
    },
    line(`up${H}`, "{{instance}}"),
  ).mappings(SCRAPED),
  lines(
    {
      title: "Age of the last collection",
      description:
        "Seconds while all is well. It grows where the host answers, but does not measure any more.",
      unit: units.Seconds,
      missing: missing.NOT_SCRAPED,
      width: 8,
    },
    line(`time() - airm_last_collection_timestamp_seconds${H}`, "{{instance}}"),
  ),
  counts(
    {
      title: "Messages",
      description:
        "What the monitors sent, by receiver and outcome. Failed ones are tried again; refused ones are lost: the address is wrong.",
      unit: units.Short,
      missing: missing.NOBODY_IS_TOLD,
      width: 8,
    },
    line(
      `sum by (instance, sink, outcome) (increase(airm_alert_notifications_total${H}[$__rate_interval]))`,
      "{{instance}} {{sink}} {{outcome}}",
    ),
  ),
  lines(
    {
      title: "Messages that wait",
      description: "They grow while a receiver does not answer.",
      unit: units.Short,
      missing: missing.NOBODY_IS_TOLD,
      width: 12,
    },
    line(`airm_alert_notifications_waiting${H}`, "{{instance}} {{sink}}"),
  ),
  counts(
    {
      title: "Messages and lines lost",
      description:
        "Messages that were given up as too many waited, and lines that could not be written to alerts.log (they are tried again).",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`increase(airm_alert_notifications_dropped_total${H}[$__rate_interval])`, "{{instance}} {{sink}}"),
    line(`increase(airm_alert_log_errors_total${H}[$__rate_interval])`, "{{instance}} alerts.log"),
  ),
];
