import type { Report } from "../../report/report";
import type { Family, Labels, Sample } from "./family";

const SPECIAL = /["\\\n]/;

/** A family in the text format 0.0.4. It remembers what it was last: of most nothing changes from one collection to the next. */
export class FamilyText {
  /** What never changes of it. */
  private readonly head: string;
  private samples: readonly Sample[] = [];
  private text = "";

  /** @param name the family's, with its prefix */
  constructor(
    private readonly name: string,
    private readonly family: Family,
  ) {
    this.head = `# HELP ${name} ${escaped(family.help)}\n# TYPE ${name} ${family.type}\n`;
  }

  /** Empty where nothing was measured. */
  of(report: Report): string {
    const samples = this.family.samples(report);
    if (this.isToldAlready(samples)) return this.text;
    const lines = this.linesOf(samples);
    this.samples = samples;
    this.text = lines === "" ? "" : [this.head, lines].join("");
    return this.text;
  }

  private isToldAlready(samples: readonly Sample[]): boolean {
    const { samples: before } = this;
    return (
      samples.length === before.length && samples.every((sample, index) => isSame(sample, before[index]))
    );
  }

  /** Nothing is taken apart by iterators here: without a compiler each step of one is an object, of 300 series half of all garbage. */
  private linesOf(samples: readonly Sample[]): string {
    // Two samples of one name and labels would cost a scrape all of them: a service may tell of a model twice.
    const told = samples.length > 1 ? new Set<string>() : undefined;
    const lines: string[] = [];
    samples.forEach((sample, index) => {
      const value = sample[1];
      if (value === undefined || !Number.isFinite(value)) return;
      const labels = labelsOf(sample[0], this.samples[index]?.[0]);
      if (told?.has(labels) === true) return;
      told?.add(labels);
      lines.push(`${this.name}${labels} ${value}\n`);
    });
    // In one piece: what is added up is put together anew each time it is copied.
    return lines.join("");
  }
}

function isSame([labels, value]: Sample, before: Sample | undefined): boolean {
  return before !== undefined && Object.is(value, before[1]) && areAlike(labels, before[0]);
}

function areAlike(labels: Labels, before: Labels): boolean {
  if (labels === before) return true;
  for (const name in labels) if (labels[name] !== before[name]) return false;
  for (const name in before) if (!(name in labels)) return false;
  return true;
}

/** As text, for as long as the object lives: alerts and services have many samples with the same. */
const TEXTS = new WeakMap<Labels, string>();

/** @param before what was in its place, and mostly says the same */
function labelsOf(labels: Labels, before: Labels | undefined): string {
  let text = TEXTS.get(labels);
  if (text === undefined) {
    if (before !== undefined && areAlike(labels, before)) text = TEXTS.get(before);
    TEXTS.set(labels, (text ??= labelsText(labels)));
  }
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
