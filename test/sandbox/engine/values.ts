/**
 * Property values, in the form in which they cross Pulumi's wire: JSON, with marked objects for secrets and one
 * reserved string for what is not known yet (pulumi/pulumi sdk/nodejs/runtime/rpc.ts).
 */

export type Value = null | boolean | number | string | Value[] | PropertyMap;
export interface PropertyMap {
  [key: string]: Value;
}

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export function isMap(value: Value | undefined): value is PropertyMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: Value | undefined): value is PropertyMap {
  return isMap(value) && value[SIGNATURE] === SECRET;
}

/** Wraps a value as a secret; a secret stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** Every string, number, list and map of a value, outermost first, each secret's content included. */
function some(value: Value | undefined, test: (value: Value) => boolean): boolean {
  if (value === undefined) return false;
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isMap(value) && Object.values(value).some((item) => some(item, test));
}

export function hasUnknown(value: Value | undefined): boolean {
  return some(value, (item) => item === UNKNOWN);
}

export function hasSecret(value: Value | undefined): boolean {
  return some(value, isSecret);
}

function map(value: Value, change: (value: Value) => Value | undefined): Value {
  const changed = change(value);
  if (changed !== undefined) return changed;
  if (Array.isArray(value)) return value.map((item) => map(item, change));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, change)]));
}

/** The value without its secret marks. */
export function reveal(value: Value): Value {
  return map(value, (item) => (isSecret(item) ? reveal(item["value"] ?? null) : undefined));
}

/** A map without its secret marks. */
export function revealMap(value: PropertyMap): PropertyMap {
  return reveal(value) as PropertyMap;
}

/** A scalar as text; anything with a structure as JSON. */
export function textOf(value: Value | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What may be shown: secrets read `[secret]`, unknowns are left out. */
export function show(value: Value): unknown {
  if (isSecret(value)) return "[secret]";
  if (value === UNKNOWN) return undefined;
  if (Array.isArray(value)) return value.map(show);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, show(item)]));
}

/** Equal whatever the order of keys, and whatever is marked secret. */
export function equal(left: Value | undefined, right: Value | undefined): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function sorted(value: Value | undefined): unknown {
  if (value === undefined) return undefined;
  const plain = isSecret(value) ? (value["value"] ?? null) : value;
  if (isSecret(plain)) return sorted(plain);
  if (Array.isArray(plain)) return plain.map(sorted);
  if (!isMap(plain)) return plain;
  const keys = Object.keys(plain).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(plain[key])]));
}
