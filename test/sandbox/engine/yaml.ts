/**
 * YAML as Pulumi reads it. Pulumi's engine uses Go's yaml.v3, which reads some plain scalars otherwise than npm's
 * yaml does (`0755` is octal, `1_000` a number, `2024-01-01` a time); those are refused rather than guessed at.
 */

import { isScalar, parseDocument, visit } from "yaml";
import { EngineError } from "./types";
import type { Value } from "./values";

const AMBIGUOUS = [
  /^[-+]?0[0-9_]+$/,
  /^[-+]?[0-9][0-9_]*_[0-9_.eE]*$/,
  /^[-+]?0[bB][01_]+$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$/,
  /^<<$/,
];

/** The value of a YAML text. `what` names it in errors. */
export function readYaml(text: string, what: string): Value {
  const document = parseDocument(text, { intAsBigInt: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new EngineError(`${what}: ${problem.message}`);
  visit(document, {
    Scalar(_, node) {
      const source = node.source ?? "";
      if (node.type !== "PLAIN") return;
      if (AMBIGUOUS.some((pattern) => pattern.test(source)) || beyondDouble(node.value)) {
        throw new EngineError(`${what}: ${source} is read differently by Pulumi; write it as "${source}"`);
      }
      if (typeof node.value === "bigint") node.value = Number(node.value);
    },
    Pair(_, pair) {
      if (!isScalar(pair.key)) throw new EngineError(`${what}: a key that is not plain text`);
    },
  });
  return document.toJS() as Value;
}

function beyondDouble(value: unknown): boolean {
  return typeof value === "bigint" && !Number.isSafeInteger(Number(value));
}

/** The value of a text that is YAML or JSON with a structure, else undefined: what Pulumi diffs by structure. */
export function structured(text: string): { kind: "json" | "yaml"; value: Value } | undefined {
  const trimmed = text.trim();
  for (const kind of ["json", "yaml"] as const) {
    // Pulumi tries YAML on texts of several lines only, so that "foo: bar" stays a string.
    if (kind === "yaml" && !trimmed.includes("\n")) continue;
    try {
      const value = kind === "json" ? (JSON.parse(trimmed) as Value) : readYaml(trimmed, "text");
      if (typeof value === "object" && value !== null) return { kind, value };
    } catch {
      // Not of this kind.
    }
  }
  return undefined;
}
