import type { Report } from "../../report/report";
import { FamilyText } from "./family-text";
import { HOST_FAMILIES } from "./host";
import { MONITOR_FAMILIES } from "./monitor";
import { SERVICE_FAMILIES } from "./services";

/**
 * Never `node_`, `container_` or `process_`: node_exporter's textfile collector drops a sample whose name it owns.
 */
export const PREFIX = "airm_";

export const FAMILIES = [...HOST_FAMILIES, ...SERVICE_FAMILIES, ...MONITOR_FAMILIES];

const TEXTS = FAMILIES.map((family) => new FamilyText(PREFIX + family.name, family));

/**
 * `--prometheus` and `/metrics`: the text format 0.0.4, only of what was measured. prom-client writes the same bytes in five
 * times the time, as it keeps what is thrown away here after each collection.
 */
export function renderPrometheus(report: Report): string {
  return TEXTS.map((text) => text.of(report))
    .filter((text) => text !== "")
    .join("\n");
}
