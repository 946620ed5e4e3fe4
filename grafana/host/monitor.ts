import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { counts, lines, timeline } from "../shared/panels";
import { line, ONE_HOST } from "../shared/query";
import { MEASURED } from "../shared/states";

const H = `{${ONE_HOST}}`;

/** Whether the rest of the dashboard can be believed. */
export const MONITOR = [
  timeline(
    {
      title: "What is measured",
      description:
        "A collector that fails leaves a gap in the panels above, and its alerts as they were. Why: docker logs ai-resource-monitor.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 12,
      height: 10,
    },
    line(`airm_collector_success${H}`, "{{collector}}"),
  ).mappings(MEASURED),
  lines(
    {
      title: "How long it takes",
      description: "One collector that takes seconds: what it asks is slow to answer, a mount or an engine.",
      unit: units.Seconds,
      missing: missing.NOT_SCRAPED,
      width: 6,
      height: 10,
    },
    line(`airm_collector_duration_seconds${H}`, "{{collector}}"),
  ),
  counts(
    {
      title: "Collections missed, states not written",
      description: "Above nothing the monitor has too little CPU, or its disk is full.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 6,
      height: 10,
    },
    line(`increase(airm_missed_intervals_total${H}[$__rate_interval])`, "missed intervals"),
    line(`increase(airm_state_errors_total${H}[$__rate_interval])`, "states not written"),
  ),
];
