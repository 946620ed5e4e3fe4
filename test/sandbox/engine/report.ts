/** Collects what happens during a run: steps, diagnostics, counts. */

import { STACK_TYPE } from "./goal";
import type { Counts, Diagnostic, EngineEvent, Op, Severity, Step } from "./types";

/** Steps that make up one replacement; only the `replace` among them is counted. */
const PARTS_OF_REPLACE: readonly Op[] = ["create-replacement", "delete-replaced"];

export class Report {
  readonly steps: Step[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** The resources with an error; the stack's own errors count as one more. */
  private readonly errored = new Set<string>();
  failed = false;

  constructor(private readonly onEvent: (event: EngineEvent) => void = () => undefined) {}

  emit(event: EngineEvent): void {
    this.onEvent(event);
  }

  step(step: Step): void {
    this.steps.push(step);
    this.emit({ type: "step", step });
  }

  diagnostic(severity: Severity, message: string, urn?: string): void {
    const diagnostic: Diagnostic = { severity, message: message.replace(/\n$/, ""), urn };
    if (severity === "error")
      this.errored.add(urn?.includes(`::${STACK_TYPE}::`) === true ? "" : (urn ?? ""));
    if (severity !== "debug") this.diagnostics.push(diagnostic);
    this.emit({ type: "diagnostic", diagnostic });
  }

  /** An error that ends the run. */
  fail(message: string, urn?: string): void {
    this.failed = true;
    this.diagnostic("error", message, urn);
  }

  counts(): Counts {
    const counts: Counts = {};
    for (const { op, failed } of this.steps) {
      if (failed === true || PARTS_OF_REPLACE.includes(op)) continue;
      counts[op] = (counts[op] ?? 0) + 1;
    }
    if (this.errored.size > 0) counts.errored = this.errored.size;
    return counts;
  }

  get changed(): boolean {
    return this.steps.some((step) => step.op !== "same" && step.failed !== true);
  }
}

const WORDS: readonly [Op | "errored", string, string][] = [
  ["create", "created", "to create"],
  ["update", "updated", "to update"],
  ["delete", "deleted", "to delete"],
  ["replace", "replaced", "to replace"],
  ["same", "unchanged", "unchanged"],
  ["errored", "errored", "errored"],
];

/** The counts in the engine's words: "1 created, 1 deleted, 4 unchanged"; for a preview "1 to create". */
export function summarize(counts: Counts, preview: boolean): string {
  return WORDS.flatMap(([op, done, planned]) => {
    const count = counts[op] ?? 0;
    return count > 0 ? [`${count} ${preview ? planned : done}`] : [];
  }).join(", ");
}
