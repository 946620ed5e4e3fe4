import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { counts, lines, stacked } from "../shared/panels";
import { line, ONE_HOST, SERVICES } from "../shared/query";
import { alertAbove, BESIDE_THE_STACK } from "../shared/thresholds";

const S = `{${SERVICES}}`;

export const MEMORY = [
  lines(
    {
      title: "Memory against its limit",
      description:
        "What the kernel cannot drop of each service, and where it kills. A line that reaches its own dashed one ends in a kill.",
      unit: units.BytesIEC,
      missing: missing.NOT_RUNNING,
      width: 12,
    },
    line(`airm_service_memory_used_bytes${S}`, "{{service}}"),
    line(`airm_service_memory_limit_bytes${S}`, "{{service}} limit"),
  ),
  lines(
    {
      title: "Part of the limit in use",
      description:
        "Above the dashed line an alert is raised. Page cache is not in it: a mapped model gives way.",
      unit: units.PercentUnit,
      missing: missing.NO_LIMIT,
      width: 12,
    },
    line(`airm_service_memory_used_ratio${S}`, "{{service}}"),
    alertAbove("service_memory"),
  ).max(1),
  lines(
    {
      title: "All services together",
      description:
        "What they use of the limit that they share (ai.slice). At the limit the next allocation is reclaimed from one of them, whosever it is.",
      unit: units.BytesIEC,
      missing: "The services share no limit, or none runs",
      width: 6,
    },
    line(`airm_slice_memory_used_bytes{${ONE_HOST}}`, "{{slice}}"),
    line(`airm_slice_memory_limit_bytes{${ONE_HOST}}`, "{{slice}} limit"),
  ),
  lines(
    {
      title: "Part of the shared limit in use",
      description:
        "The same as a ratio. Above the dashed line an alert is raised, though each service may be below its own.",
      unit: units.PercentUnit,
      missing: "The services share no limit, or none runs",
      width: 6,
    },
    line(`airm_slice_memory_used_ratio{${ONE_HOST}}`, "{{slice}}"),
    alertAbove("slice_memory"),
  ).max(1),
  lines(
    {
      title: "Highest since it started",
      description:
        "With page cache: the usual limit of a service that reads a model. Far below its limit, that is larger than it need be.",
      unit: units.BytesIEC,
      missing: missing.NOT_RUNNING,
      width: 6,
    },
    line(`airm_service_memory_peak_bytes${S}`, "{{service}}"),
  ),
  counts(
    {
      title: "Events at the limit",
      description:
        "max: it was at its limit and pages were reclaimed. oom_kill: a process of it was killed. high: it was slowed down at memory.high.",
      unit: units.Short,
      missing: missing.NOT_RUNNING,
      width: 6,
    },
    line(
      `increase(airm_service_memory_events_total{${SERVICES}, event!="low"}[$__rate_interval])`,
      "{{service}} {{event}}",
    ),
  ),
];

/** Once for each service that is chosen. */
export const ANATOMY = [
  stacked(
    {
      title: "$service",
      description:
        "Anonymous memory (KV cache, copied weights) goes to swap or is killed for; page cache (mapped weights) is dropped and read again. The limit holds for both together; what is in swap is not in it.",
      unit: units.BytesIEC,
      missing: missing.NOT_RUNNING,
      width: 24,
    },
    line(`airm_service_memory_anon_bytes${S}`, "anonymous"),
    line(`airm_service_memory_mapped_file_bytes${S}`, "page cache, mapped"),
    line(
      `airm_service_memory_file_bytes${S} - airm_service_memory_mapped_file_bytes${S}`,
      "page cache, other",
    ),
    line(`airm_service_memory_swap_bytes${S}`, "in swap"),
    line(`airm_service_memory_limit_bytes${S}`, "limit"),
  )
    .overrideByName("in swap", [...BESIDE_THE_STACK])
    .repeat("service")
    .repeatDirection("h")
    .maxPerRow(3),
];
