import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { table } from "../shared/panels";
import { rows, SERVICES } from "../shared/query";
import { RUNNING, SUCCEEDS } from "../shared/states";
import { joined } from "../shared/tables";

const S = `{${SERVICES}}`;
const each = (expr: string) => rows(`max by (service) (${expr})`);

export const NOW = [
  joined(
    table(
      {
        title: "Services",
        description:
          "A row for each. In use near 100% of its limit: it is about to be killed, and only it. Throttled or waiting much of the time: it is slower than it need be. Kills and starts are those of the time range.",
        unit: units.Short,
        missing: missing.NOT_SCRAPED,
        width: 24,
      },
      rows(`max by (service, runtime, unit) (airm_service_info${S})`),
      each(`airm_service_up${S}`),
      each(`airm_service_memory_used_bytes${S}`),
      each(`airm_service_memory_limit_bytes${S}`),
      each(`airm_service_memory_used_ratio${S}`),
      each(`airm_service_cpu_used_ratio${S}`),
      each(`airm:service_cpu_throttled:ratio${S}`),
      each(`airm:service_memory_waiting:ratio${S}`),
      each(`increase(airm_service_oom_kills_total${S}[$__range])`),
      each(`increase(airm_service_restarts_total${S}[$__range])`),
      each(`airm_service_probe_success${S}`),
      each(`time() - airm_service_start_time_seconds${S}`),
      each(`airm_service_tasks${S}`),
    ),
    { service: "Service", runtime: "Runtime", unit: "Unit" },
    [
      undefined,
      { name: "State", mappings: RUNNING },
      { name: "Memory", unit: units.BytesIEC },
      { name: "Limit", unit: units.BytesIEC },
      { name: "Of the limit", unit: units.PercentUnit },
      { name: "CPU", unit: units.PercentUnit },
      { name: "Throttled", unit: units.PercentUnit },
      { name: "Waits for memory", unit: units.PercentUnit },
      { name: "Killed", decimals: 0 },
      { name: "Started again", decimals: 0 },
      { name: "Probe", mappings: SUCCEEDS },
      { name: "Up for", unit: units.Seconds, decimals: 0 },
      { name: "Tasks" },
    ],
  ),
];
