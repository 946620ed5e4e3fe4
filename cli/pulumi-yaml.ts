/**
 * YAML as Pulumi reads it. Pulumi's engine uses Go's yaml.v3, which reads some plain scalars otherwise than npm's
 * yaml does (`0755` is octal, `1_000` a number, `2024-01-01` a time); those are refused rather than guessed at.
 */
import { isScalar, parseDocument, visit } from "yaml";

const AMBIGUOUS = [
  /^[-+]?0[0-9_]+$/,
  /^[-+]?[0-9][0-9_]*_[0-9_.eE]*$/,
  /^[-+]?0[bB][01_]+$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$/,
  /^<<$/,
];

/**
 * The value of a YAML text.
 * @param what names it in errors
 * @throws Error that says what Pulumi would read otherwise, and how to write it
 */
export function readYaml(text: string, what: string): unknown {
  const document = parseDocument(text, { intAsBigInt: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new Error(`${what}: ${problem.message}`);
  visit(document, {
    Scalar(_, node) {
      const source = node.source ?? "";
      if (node.type !== "PLAIN") return;
      if (AMBIGUOUS.some((pattern) => pattern.test(source)) || beyondDouble(node.value)) {
        throw new Error(`${what}: ${source} is read differently by Pulumi; write it as "${source}"`);
      }
      if (typeof node.value === "bigint") node.value = Number(node.value);
    },
    Pair(_, pair) {
      if (!isScalar(pair.key)) throw new Error(`${what}: a key that is not plain text`);
    },
  });
  return document.toJS();
}

function beyondDouble(value: unknown): boolean {
  return typeof value === "bigint" && !Number.isSafeInteger(Number(value));
}
