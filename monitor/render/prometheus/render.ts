import type { Report } from "../../report/report";
import type { Family, Labels, Sample } from "./family";
import { HOST_FAMILIES } from "./host";
import { MONITOR_FAMILIES } from "./monitor";
import { SERVICE_FAMILIES } from "./services";

/**
 * Never `node_`, `container_` or `process_`: node_exporter's textfile collector drops a sample whose name it owns.
 */
export const PREFIX = "airm_";

export const FAMILIES = [...HOST_FAMILIES, ...SERVICE_FAMILIES, ...MONITOR_FAMILIES];

const SPECIAL = /["\\\n]/;

interface Head {
  readonly family: Family;
  readonly name: string;
  /** What never changes of a family is written once. */
  readonly text: string;
}

const HEADS: readonly Head[] = FAMILIES.map((family) => {
  const name = PREFIX + family.name;
  return { family, name, text: `# HELP ${name} ${escaped(family.help)}\n# TYPE ${name} ${family.type}\n` };
});

/**
 * `--prometheus` and `/metrics`: the text format 0.0.4, only of what was measured. prom-client writes the same bytes in five
 * times the time, as it keeps what is thrown away here after each collection.
 */
export function renderPrometheus(report: Report): string {
  return HEADS.map(({ family, name, text }) => {
    const lines = samplesOf(name, family.samples(report));
    return lines === "" ? "" : text + lines;
  })
    .filter((text) => text !== "")
    .join("\n");
}

/** Nothing is taken apart by iterators here: without a compiler each step of one is an object, of 300 series half of all garbage. */
function samplesOf(name: string, samples: readonly Sample[]): string {
  // Two samples of one name and labels would cost a scrape all of them: a service may tell of a model twice.
  const told = samples.length > 1 ? new Set<string>() : undefined;
  let text = "";
  samples.forEach((sample) => {
    const value = sample[1];
    if (value === undefined || !Number.isFinite(value)) return;
    const labels = labelsOf(sample[0]);
    if (told?.has(labels) === true) return;
    told?.add(labels);
    text += `${name}${labels} ${value}\n`;
  });
  return text;
}

/** As text, for as long as the object lives: alerts and services have many samples with the same. */
const TEXTS = new WeakMap<Labels, string>();

function labelsOf(labels: Labels): string {
  let text = TEXTS.get(labels);
  if (text === undefined) TEXTS.set(labels, (text = labelsText(labels)));
  return text;
}

function labelsText(labels: Labels): string {
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
