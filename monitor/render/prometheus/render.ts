import { Counter, Gauge, Registry } from "prom-client";
import type { Report } from "../../report/report";
import { HOST_FAMILIES } from "./host";
import { MONITOR_FAMILIES } from "./monitor";
import { SERVICE_FAMILIES } from "./services";

/**
 * Never `node_`, `container_` or `process_`: node_exporter's textfile collector drops a sample whose name it owns.
 */
export const PREFIX = "airm_";

export const FAMILIES = [...HOST_FAMILIES, ...SERVICE_FAMILIES, ...MONITOR_FAMILIES];

/** `--prometheus` and `/metrics`: the text format, only of what was measured. */
export async function renderPrometheus(report: Report): Promise<string> {
  const registry = new Registry();
  for (const { name, type, help, samples } of FAMILIES) {
    const measured = samples(report).flatMap(([labels, value]) =>
      value === undefined || !Number.isFinite(value) ? [] : [{ labels, value }],
    );
    const [first] = measured;
    if (first === undefined) continue;
    const labelNames = [...new Set(measured.flatMap(({ labels }) => Object.keys(labels)))];
    const settings = { name: PREFIX + name, help, labelNames, registers: [registry] };
    if (type === "gauge") {
      const gauge = new Gauge(settings);
      for (const { labels, value } of measured) gauge.set(labels, value);
    } else {
      const counter = new Counter(settings);
      // The kernel counts; what it says is set once on a counter that starts at 0 at each rendering.
      for (const { labels, value } of measured) counter.inc(labels, value);
    }
  }
  return registry.metrics();
}
