import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { counts, lines, timeline } from "../shared/panels";
import { line, SERVICES } from "../shared/query";
import { RUNNING, SUCCEEDS } from "../shared/states";

const S = `{${SERVICES}}`;

export const HEALTH = [
  timeline(
    {
      title: "Running",
      description:
        "Whether it has processes. Short gaps again and again are a service that ends and starts in a loop.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 12,
      height: 6,
    },
    line(`airm_service_up${S}`, "{{service}}"),
  ).mappings(RUNNING),
  timeline(
    {
      title: "Probe",
      description:
        "Whether its health address answers. Running, and the probe fails: it loads a model, hangs, or answers with an error.",
      unit: units.Short,
      missing: missing.NO_PROBE,
      width: 12,
      height: 6,
    },
    line(`airm_service_probe_success${S}`, "{{service}}"),
  ).mappings(SUCCEEDS),
  counts(
    {
      title: "Killed for memory",
      description:
        "Processes of it that the kernel killed. At its limit: raise that, or make the model or its context smaller.",
      unit: units.Short,
      missing: missing.NOT_RUNNING,
      width: 8,
    },
    line(`increase(airm_service_oom_kills_total${S}[$__rate_interval])`, "{{service}}"),
  ),
  counts(
    {
      title: "Started again",
      description: "Starts but for the first that the monitor saw. Several in a row: look at its log.",
      unit: units.Short,
      missing: missing.NOT_RUNNING,
      width: 8,
    },
    line(`increase(airm_service_restarts_total${S}[$__rate_interval])`, "{{service}}"),
  ),
  lines(
    {
      title: "How long the probe takes",
      description: "It grows before it fails: the service is busy, throttled or swapping.",
      unit: units.Seconds,
      missing: missing.NO_PROBE,
      width: 8,
    },
    line(`airm_service_probe_duration_seconds${S}`, "{{service}}"),
  ),
];
