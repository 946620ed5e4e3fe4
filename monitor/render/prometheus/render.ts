import type { Report } from "../../report/report";
import type { Family, Labels } from "./family";
import { HOST_FAMILIES } from "./host";
import { MONITOR_FAMILIES } from "./monitor";
import { SERVICE_FAMILIES } from "./services";

/**
 * Never `node_`, `container_` or `process_`: node_exporter's textfile collector drops a sample whose name it owns.
 */
export const PREFIX = "airm_";

export const FAMILIES = [...HOST_FAMILIES, ...SERVICE_FAMILIES, ...MONITOR_FAMILIES];

const SPECIAL = /["\\\n]/;

/** What never changes of a family is written once. */
const HEADS = new Map<Family, string>(
  FAMILIES.map((family) => {
    const name = PREFIX + family.name;
    return [family, `# HELP ${name} ${escaped(family.help)}\n# TYPE ${name} ${family.type}\n`];
  }),
);

/**
 * `--prometheus` and `/metrics`: the text format 0.0.4, only of what was measured. prom-client writes the same bytes in five
 * times the time, as it keeps what is thrown away here after each collection.
 */
export function renderPrometheus(report: Report): string {
  let text = "";
  for (const [family, head] of HEADS) {
    // Two samples of one name and labels would cost a scrape all of them: a service may tell of a model twice.
    const samples = new Map<string, number>();
    for (const [labels, value] of family.samples(report))
      if (value !== undefined && Number.isFinite(value)) samples.set(labelsOf(labels), value);
    if (samples.size === 0) continue;
    text += text === "" ? head : `\n${head}`;
    for (const [labels, value] of samples) text += `${PREFIX}${family.name}${labels} ${value}\n`;
  }
  return text;
}

function labelsOf(labels: Labels): string {
  let text = "";
  for (const name in labels) {
    const value = labels[name] ?? "";
    const safe = SPECIAL.test(value) ? escaped(value).replaceAll('"', '\\"') : value;
    text += `${text === "" ? "" : ","}${name}="${safe}"`;
  }
  return text === "" ? "" : `{${text}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
