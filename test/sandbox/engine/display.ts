/** The run as text for a person, in the manner of `pulumi preview --diff`. */

import type { Diagnostic, EngineEvent, Op, Severity, Step } from "./types";

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const MAGENTA = 35;
const BOLD = 1;

const SIGNS: Record<Op, [sign: string, colour: number]> = {
  same: ["  ", 0],
  create: ["+ ", GREEN],
  update: ["~ ", YELLOW],
  delete: ["- ", RED],
  replace: ["+-", MAGENTA],
  "create-replacement": ["++", GREEN],
  "delete-replaced": ["--", RED],
};

const LINE_COLOURS: Record<string, number> = { "+": GREEN, "-": RED, "~": YELLOW };

const DONE: Record<Op, string> = {
  same: "unchanged",
  create: "created",
  update: "updated",
  delete: "deleted",
  replace: "replaced",
  "create-replacement": "created replacement",
  "delete-replaced": "deleted original",
};

export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Writes each event as it comes; coloured on a terminal only. */
export class Display {
  private readonly diagnostics: Diagnostic[] = [];

  constructor(
    private readonly preview: boolean,
    private readonly sink: Sink | undefined,
  ) {}

  event(event: EngineEvent): void {
    if (event.type === "banner") this.line(event.message);
    else if (event.type === "step") this.step(event.step);
    else if (event.type === "diagnostic") this.diagnostics.push(event.diagnostic);
    else if (event.type === "summary") this.end(event.text);
  }

  private step(step: Step): void {
    if (step.op === "same" && step.failed !== true) return;
    const [sign, colour] = SIGNS[step.op];
    const outcome = step.failed === true ? this.paint(`${step.op} failed`, RED) : this.wording(step.op);
    this.line(`  ${this.paint(sign, colour)} ${step.type}  ${step.name}  ${outcome}`);
    for (const line of step.diff === "" ? [] : step.diff.split("\n")) {
      this.line(`       ${this.paint(line, LINE_COLOURS[line.trimStart().charAt(0)] ?? 0)}`);
    }
  }

  private wording(op: Op): string {
    return this.preview ? op : DONE[op];
  }

  private end(summary: string): void {
    const shown = this.diagnostics.filter(({ severity }) => severity !== "debug");
    if (shown.length > 0) this.line(`\n${this.paint("Diagnostics:", BOLD)}`);
    for (const [heading, group] of byResource(shown)) {
      this.line(`  ${heading}:`);
      for (const { severity, message } of group)
        this.line(`    ${this.prefix(severity)}${message.replace(/\n/g, "\n    ")}`);
    }
    this.line(`\n${this.paint("Resources:", BOLD)} ${summary === "" ? "none" : summary}`);
  }

  private prefix(severity: Severity): string {
    if (severity === "error") return `${this.paint("error:", RED)} `;
    return severity === "warning" ? `${this.paint("warning:", YELLOW)} ` : "";
  }

  private paint(text: string, colour: number): string {
    return this.sink?.isTTY === true && colour !== 0 ? `\u001b[${colour}m${text}\u001b[0m` : text;
  }

  private line(text: string): void {
    this.sink?.write(`${text}\n`);
  }
}

/** What the hosts said of what they did, one block for each command; empty when nothing was run. */
export function renderReceipts(diagnostics: readonly Diagnostic[]): string {
  const said = diagnostics.filter(({ severity, urn }) => severity === "info" && urn !== undefined);
  return [...byResource(said)]
    .map(
      ([heading, group]) =>
        `${heading}:\n${group.map(({ message }) => `  ${message.replace(/\n/g, "\n  ")}\n`).join("")}`,
    )
    .join("");
}

/** What was said of one resource stands together, under its type and name, in the order of first mention. */
function byResource(diagnostics: readonly Diagnostic[]): Map<string, Diagnostic[]> {
  const groups = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    const heading = headingOf(diagnostic.urn);
    groups.set(heading, [...(groups.get(heading) ?? []), diagnostic]);
  }
  return groups;
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` as "TYPE (NAME)". */
function headingOf(urn: string | undefined): string {
  const [types, name] = urn?.split("::").slice(2) ?? [];
  return types === undefined || name === undefined ? "stack" : `${types.split("$").at(-1) ?? ""} (${name})`;
}
