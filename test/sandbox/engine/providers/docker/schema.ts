/** How a resource's properties behave: what Terraform's plugin SDK knows of them, in Pulumi's names. */

import { equal, hasUnknown, isMap, textOf, type PropertyMap, type Value } from "../../values";
import type { CheckFailure } from "../provider";

export interface Attribute {
  kind: "string" | "int" | "bool" | "list" | "set" | "map" | "block";
  /** The elements of a list or set, or the one block, have these properties; without it they are strings. */
  of?: Schema;
  required?: boolean;
  /** A change makes a new resource. */
  replace?: boolean;
  /** Left out, it is whatever the host made of it, and no difference. */
  computed?: boolean;
  default?: Value;
  /** It is read from the host only. */
  output?: boolean;
  /** The real provider has it and this one does not serve it. */
  unserved?: boolean;
  /** An empty text is as good as none: whatever the state holds stays. */
  emptyIsUnset?: boolean;
  /** The values it may have. */
  pattern?: RegExp;
  least?: number;
  /** Whether the state's value and the program's are the same although they read differently. */
  same?: (before: Value, after: Value) => boolean;
}

export type Schema = Readonly<Record<string, Attribute>>;

const ZERO: Record<Attribute["kind"], Value> = {
  string: "",
  int: 0,
  bool: false,
  list: [],
  set: [],
  map: {},
  block: {},
};

/** Refuses what is unknown, unserved, missing or out of range. */
export function checkInputs(schema: Schema, inputs: PropertyMap, path = ""): CheckFailure[] {
  const unknown = Object.keys(inputs).filter(
    (key) => schema[key] === undefined || schema[key].unserved === true || schema[key].output === true,
  );
  return [
    ...unknown.map((key) => ({ property: path + key, reason: "the local engine does not serve it" })),
    ...Object.entries(schema).flatMap(([key, attribute]) => checkValue(attribute, inputs[key], path + key)),
  ];
}

function checkValue(attribute: Attribute, value: Value | undefined, path: string): CheckFailure[] {
  const fail = (reason: string): CheckFailure[] => [{ property: path, reason }];
  if (value === undefined || value === null)
    return attribute.required === true ? fail("missing required property") : [];
  // What is not known yet is checked when it is.
  if (hasUnknown(value) && !(Array.isArray(value) || isMap(value))) return [];
  const { kind, of } = attribute;
  if (kind === "block")
    return isMap(value) ? checkInputs(of ?? {}, value, `${path}.`) : fail("expected a map");
  if (kind === "map") return isMap(value) ? [] : fail("expected a map");
  if (kind === "list" || kind === "set") {
    if (!Array.isArray(value)) return fail("expected a list");
    if (of === undefined) return [];
    return value.flatMap((item, i) =>
      isMap(item)
        ? checkInputs(of, item, `${path}[${i}].`)
        : hasUnknown(item)
          ? []
          : fail(`expected a map at ${i}`),
    );
  }
  if (kind === "int" && !Number.isInteger(Number(value)))
    return fail(`expected a whole number, not ${textOf(value)}`);
  if (attribute.least !== undefined && Number(value) < attribute.least)
    return fail(`'${textOf(value)}' cannot be lower than ${attribute.least}`);
  if (attribute.pattern?.test(textOf(value)) === false)
    return fail(`'${textOf(value)}' doesn't match the pattern '${attribute.pattern.source}'`);
  return [];
}

/** A value with every default and zero filled in, so that two that mean the same are equal. */
export function normalize(attribute: Attribute, value: Value | undefined): Value {
  const given = value ?? attribute.default;
  if (given === undefined || given === null) return ZERO[attribute.kind];
  if (hasUnknown(given)) return given;
  const { kind, of } = attribute;
  if (kind === "string") return textOf(given);
  if (kind === "int") return Number(given);
  if (kind === "bool") return given === true || given === "true";
  if (kind === "map") return mapValues(given as PropertyMap, textOf);
  if (kind === "block") return isMap(given) ? normalizeMap(of ?? {}, given) : {};
  const items = (given as Value[]).map((item) =>
    of === undefined ? textOf(item) : normalizeMap(of, item as PropertyMap),
  );
  return kind === "set" ? sorted(items) : items;
}

/** Every property of a schema, normalized. An absent block stays absent: it is not a block of zeros. */
export function normalizeMap(schema: Schema, value: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, { kind }]) => kind !== "block" || isMap(value[key]))
      .map(([key, attribute]) => [key, normalize(attribute, value[key])]),
  );
}

/** A set has no order: this is the order in which two of them are compared. */
function sorted(items: Value[]): Value[] {
  return [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function mapValues(map: PropertyMap, change: (value: Value) => Value): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Whether a value is what an attribute has when nobody sets it. */
export function isZero(attribute: Attribute, value: Value | undefined): boolean {
  return value === undefined || value === null || equal(value, ZERO[attribute.kind]);
}
