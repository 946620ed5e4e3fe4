/** The text of a change, laid out as `pulumi preview --diff` does. */

import { diffLines } from "./lines";
import { equal, hasSecret, isMap, isSecret, UNKNOWN, type PropertyMap, type Value } from "./values";
import { structured } from "./yaml";

const INDENT = "    ";

/** The changed properties, one block each; empty where nothing differs. */
export function describe(before: PropertyMap, after: PropertyMap): string {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => describeValue(key, before[key], after[key])).join("\n");
}

function describeValue(name: string, before: Value | undefined, after: Value | undefined): string[] {
  if (equal(before, after)) return [];
  if (before === undefined) return describeWhole("+", name, after);
  if (after === undefined) return describeWhole("-", name, before);
  if (isSecret(before) || isSecret(after)) return [`~ ${name}: [secret] => [secret]`];
  if (typeof before === "string" && typeof after === "string") return describeText(name, before, after);
  return describeNested(name, before, after, "") ?? [`~ ${name}: ${print(before)} => ${print(after)}`];
}

/** What is there on one side only: maps and texts of several lines laid out, line by line under the sign. */
function describeWhole(sign: "+" | "-", name: string, value: Value | undefined): string[] {
  if (value === undefined || value === UNKNOWN || isSecret(value) || hasSecret(value))
    return [`${sign} ${name}: ${print(value)}`];
  if (typeof value === "string" && value.includes("\n")) {
    const lines = value.split("\n").filter((line) => line !== "");
    return [`${sign} ${name}:`, ...lines.map((line) => `${INDENT}${sign} ${line}`)];
  }
  if (!isMap(value) || Object.keys(value).length === 0) return [`${sign} ${name}: ${print(value)}`];
  const lines = Object.entries(value).flatMap(([key, item]) => describeWhole(sign, key, item));
  return [`${sign} ${name}: {`, ...lines.map((line) => `${INDENT}${line}`), "  }"];
}

function describeText(name: string, before: string, after: string): string[] {
  if (before === UNKNOWN || after === UNKNOWN) return [`~ ${name}: ${print(before)} => ${print(after)}`];
  const left = structured(before);
  const right = structured(after);
  if (left !== undefined && right !== undefined && !equal(left.value, right.value)) {
    const kind = left.kind === right.kind ? left.kind : `${left.kind} => ${right.kind}`;
    const nested = describeNested(name, left.value, right.value, `(${kind}) `);
    if (nested !== undefined) return nested;
  }
  if (!before.includes("\n") && !after.includes("\n")) {
    return [`~ ${name}: ${print(before)} => ${print(after)}`];
  }
  return [`~ ${name}:`, ...diffLines(before, after).map((line) => `${INDENT}${line}`)];
}

function describeNested(name: string, before: Value, after: Value, kind: string): string[] | undefined {
  const lists = Array.isArray(before) && Array.isArray(after);
  if (!lists && !(isMap(before) && isMap(after))) return undefined;
  const left = before as PropertyMap;
  const right = after as PropertyMap;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  if (!lists) keys.sort();
  const lines = keys.flatMap((key) => describeValue(lists ? `[${key}]` : key, left[key], right[key]));
  const [open, close] = lists ? ["[", "]"] : ["{", "}"];
  return [`~ ${name}: ${kind}${open}`, ...lines.map((line) => `${INDENT}${line}`), `  ${close}`];
}

function print(value: Value | undefined): string {
  if (value === UNKNOWN) return "output<string>";
  if (value === undefined) return "undefined";
  if (hasSecret(value)) return "[secret]";
  return JSON.stringify(value, (_, item: unknown) => (item === UNKNOWN ? "output<string>" : item));
}
