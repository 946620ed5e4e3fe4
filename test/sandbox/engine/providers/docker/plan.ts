/**
 * What a change of a docker resource amounts to. The real provider is a bridge to Terraform's, whose plan compares the
 * program's inputs with what was last read from the host, never with the inputs before: a limit that the program leaves
 * to Docker and Docker fills in is a difference at every run, unless the attribute is marked as computed.
 */

import { diffInputs, type Diff } from "../../diff";
import {
  equal,
  hasSecret,
  hasUnknown,
  revealMap,
  secret,
  UNKNOWN,
  type PropertyMap,
  type Value,
} from "../../values";
import { isZero, normalize, type Attribute, type Schema } from "./schema";

export interface Plan {
  /** The resource as it will be: what the program says, and what the state has where the program says nothing. */
  planned: PropertyMap;
  diff: Diff;
  /** The properties that change. */
  changed: Set<string>;
}

/** Plans a new resource: what the program says, with defaults, and UNKNOWN for what the host will fill in. */
export function planCreate(schema: Schema, inputs: PropertyMap): PropertyMap {
  const plain = revealMap(inputs);
  const planned: PropertyMap = {};
  for (const [key, attribute] of Object.entries(schema)) {
    const value = plain[key] ?? attribute.default;
    if (value !== undefined) planned[key] = value;
    else if (attribute.output === true || attribute.computed === true) planned[key] = UNKNOWN;
  }
  return planned;
}

export function planUpdate(schema: Schema, state: PropertyMap, inputs: PropertyMap): Plan {
  const before = revealMap(state);
  const after = revealMap(inputs);
  const planned: PropertyMap = { ...before };
  const diff: Diff = { properties: [], shown: { before: {}, after: {} } };
  const changed = new Set<string>();
  for (const [key, attribute] of Object.entries(schema)) {
    const value = after[key] ?? attribute.default;
    if (!differs(attribute, before[key], value)) continue;
    changed.add(key);
    if (value === undefined) Reflect.deleteProperty(planned, key);
    else planned[key] = value;
    show(diff, key, attribute, before[key], value, hasSecret(inputs[key]));
  }
  return { planned, diff, changed };
}

function differs(attribute: Attribute, before: Value | undefined, after: Value | undefined): boolean {
  if (attribute.output === true) return false;
  if (after === undefined || after === null) return attribute.computed !== true && !isZero(attribute, before);
  if (hasUnknown(after)) return true;
  if (after === "" && (attribute.computed === true || attribute.emptyIsUnset === true)) return false;
  const [old, now] = [normalize(attribute, before), normalize(attribute, after)];
  return !equal(old, now) && !(before !== undefined && attribute.same?.(old, now) === true);
}

function show(
  { properties, shown }: Diff,
  key: string,
  attribute: Attribute,
  before: Value | undefined,
  after: Value | undefined,
  isHidden: boolean,
): void {
  const hide = (value: Value): Value => (isHidden ? secret(value) : value);
  const side = (value: Value | undefined): PropertyMap =>
    value === undefined || value === null ? {} : { [key]: hide(normalize(attribute, value)) };
  const [old, now] = [side(before), side(after)];
  properties.push(...diffInputs(old, now, () => attribute.replace === true).properties);
  Object.assign(shown?.before ?? {}, old);
  Object.assign(shown?.after ?? {}, now);
}

/**
 * The inputs after a refresh: where what was read is no longer what the state had, the program's old input becomes what
 * was read. Properties that the program does not set stay out.
 */
export function refreshInputs(
  schema: Schema,
  inputs: PropertyMap,
  state: PropertyMap,
  read: PropertyMap,
): PropertyMap {
  const refreshed = { ...inputs };
  for (const key of Object.keys(inputs)) {
    const attribute = schema[key];
    if (attribute === undefined) continue;
    const now = read[key];
    if (equal(normalize(attribute, state[key]), normalize(attribute, now))) continue;
    if (now === undefined) Reflect.deleteProperty(refreshed, key);
    else refreshed[key] = hasSecret(inputs[key]) ? secret(now) : now;
  }
  return refreshed;
}
