import { BigValueTextMode } from "@grafana/grafana-foundation-sdk/common";
import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { number } from "../shared/panels";
import { now, ONE_HOST } from "../shared/query";
import { TAKES_WORK } from "../shared/states";
import { NEAR_ITS_THRESHOLD, NONE_IS_GOOD } from "../shared/thresholds";

const H = `{${ONE_HOST}}`;

/** Whether anything needs a look, in one line. */
export const SUMMARY = [
  number(
    {
      title: "Takes more work",
      description:
        "What the monitor tells load balancers (/capacity). No: a resource has nothing left before its alert, or memory or CPU cannot be measured.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 4,
    },
    now(`airm_capacity_available${H}`, ""),
  ).mappings(TAKES_WORK),
  number(
    {
      title: "Alerts that fire",
      description: "By the monitor itself. Which ones, and why: the dashboard Alerts.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 4,
    },
    now(`sum(airm_alert_firing${H})`, ""),
  ).thresholds(NONE_IS_GOOD),
  number(
    {
      title: "Nearest to its threshold",
      description:
        "The value that is nearest to raising an alert, as a part of its threshold on this host: 100% raises it.",
      unit: units.PercentUnit,
      missing: missing.NOT_RECORDED,
      width: 4,
    },
    now(`topk(1, airm:alert_threshold_used:ratio${H})`, "{{alert}} {{service}}{{mountpoint}}"),
  )
    .thresholds(NEAR_ITS_THRESHOLD)
    .textMode(BigValueTextMode.ValueAndName),
  number(
    {
      title: "Memory in use",
      description: "What is not available; page cache is available.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 4,
    },
    now(`airm_memory_used_ratio${H}`, ""),
  ),
  number(
    {
      title: "CPU in use",
      description: "All but idle and waiting for disks, over the monitor's last interval.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 4,
    },
    now(`airm_cpu_used_ratio${H}`, ""),
  ),
  number(
    {
      title: "Last collection",
      description: "How long ago the monitor last measured. Minutes: the host is frozen, off or cut off.",
      unit: units.Seconds,
      missing: missing.NOT_SCRAPED,
      width: 4,
    },
    now(`time() - airm_last_collection_timestamp_seconds${H}`, ""),
  ).decimals(0),
];
