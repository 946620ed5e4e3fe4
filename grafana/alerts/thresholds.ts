import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
} from "@grafana/grafana-foundation-sdk/common";
import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines, table } from "../shared/panels";
import { HOSTS, line, rows } from "../shared/query";
import { joined } from "../shared/tables";
import { NEAR_ITS_THRESHOLD } from "../shared/thresholds";

export const THRESHOLDS = [
  lines(
    {
      title: "How near to its threshold",
      description:
        "Each value as a part of the threshold that its own host has for it: above 100% its alert is raised.",
      unit: units.PercentUnit,
      missing: missing.NOT_RECORDED,
      width: 14,
      height: 10,
    },
    line(`airm:alert_threshold_used:ratio{${HOSTS}}`, "{{instance}} {{alert}} {{service}}{{mountpoint}}"),
  )
    .thresholds(NEAR_ITS_THRESHOLD)
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Line)),
  joined(
    table(
      {
        title: "Thresholds",
        description: "As each host has them from its stack's configuration (thresholds).",
        unit: units.PercentUnit,
        missing: missing.NOT_SCRAPED,
        width: 10,
        height: 10,
      },
      rows(`max by (instance, alert, service, path) (airm_alert_threshold_ratio{${HOSTS}})`),
    ),
    { instance: "Host", alert: "Alert", service: "Service", path: "Path" },
    [{ name: "Raised above", unit: units.PercentUnit }],
  ),
];
