/** Setting configuration by path, as `pulumi config set --path` does. */

import { parsePath, type Path } from "./paths";
import { EngineError } from "./types";
import { isMap, type PropertyMap, type Value } from "./values";

/** `<namespace>:<name>`, also from the old form with `:config:` between the two. */
export function fullKey(key: string, where: string): string {
  const parts = key.split(":");
  const [namespace, name] = parts.length === 3 && parts[1] === "config" ? [parts[0], parts[2]] : parts;
  if (!namespace || !name || parts.length > 3) {
    throw new EngineError(
      `${where}: could not parse ${key} as a configuration key, write <namespace>:<name>`,
    );
  }
  return `${namespace}:${name}`;
}

/**
 * `pulumi config set --path KEY VALUE`; a value that is not a string keeps its type. It is copied, because a later
 * override may reach into it.
 */
export function override(config: PropertyMap, key: string, given: unknown): void {
  const value = structuredClone(given);
  const [namespace, ...rest] = key.split(":");
  const path = parsePath(rest.join(":"));
  const root = `${namespace ?? ""}:${String(path[0])}`;
  if (path.length === 1) {
    config[fullKey(root, "override")] = value as Value;
    return;
  }
  const current = config[root];
  const container = isMap(current) || Array.isArray(current) ? current : newContainer(path[1]);
  config[root] = container;
  setAt(container, path.slice(1), typeof value === "string" ? coerce(value) : (value as Value), root);
}

function newContainer(part: string | number | undefined): Value[] | PropertyMap {
  return typeof part === "number" ? [] : {};
}

function setAt(container: Value[] | PropertyMap, path: Path, value: Value, at: string): void {
  const [part, ...rest] = path;
  if (part === undefined) return;
  if (Array.isArray(container) !== (typeof part === "number")) {
    throw new EngineError(
      `${at}: ${Array.isArray(container) ? "expected an index" : "expected a key"}, not ${part}`,
    );
  }
  const target = container as Record<string | number, Value>;
  if (rest.length === 0) {
    target[part] = value;
    return;
  }
  const next = target[part] ?? newContainer(rest[0]);
  if (typeof next !== "object") throw new EngineError(`${at}.${part} is not a map or list`);
  target[part] = next;
  setAt(next, rest, value, `${at}.${part}`);
}

/** Pulumi turns true, false and whole numbers without leading zeros into values; 1.5 stays text. */
function coerce(value: string): Value {
  if (value === "true" || value === "false") return value === "true";
  if (/^-?(0|[1-9][0-9]*)$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  return value;
}
