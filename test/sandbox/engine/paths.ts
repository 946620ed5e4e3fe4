/** Pulumi's property paths: `a.b[0]["c.d"]`, with `*` for any element. */

import { EngineError } from "./types";
import { isMap, isSecret, secret, type PropertyMap, type Value } from "./values";

export type Path = (string | number)[];

/** Reads a path; an unreadable one is an error that shows it. */
export function parsePath(text: string): Path {
  const path: Path = [];
  const part = /(?:^|\.)([^.[\]"]+)|\[(\d+)\]|\[(\*)\]|\["((?:[^"\\]|\\.)*)"\]/y;
  while (part.lastIndex < text.length) {
    const at = part.lastIndex;
    const match = part.exec(text);
    if (match === null) throw new EngineError(`cannot read the path ${text} from character ${at + 1}`);
    const [, name, index, any, quoted] = match;
    if (index !== undefined) path.push(Number(index));
    else path.push(name ?? any ?? (quoted ?? "").replace(/\\(.)/g, "$1"));
  }
  if (path.length === 0) throw new EngineError("a path is empty");
  return path;
}

/** Whether `path` is `prefix` or lies below it (`replaceOnChanges: ["a"]` covers `a.b`, never the reverse). */
export function contains(prefix: Path, path: Path): boolean {
  return prefix.length <= path.length && prefix.every((part, i) => part === "*" || part === path[i]);
}

/** Gives `next` the value that `previous` has at the path, as `ignoreChanges` does. */
export function resetPath(path: Path, previous: PropertyMap, next: PropertyMap): void {
  resetAt(path, previous, next, false);
}

function resetAt(path: Path, previous: Value, next: Value, wasSecret: boolean): void {
  const [part, ...rest] = path;
  const before = open(previous);
  const after = open(next);
  if (part === "*") {
    const keys = new Set([...keysOf(before), ...keysOf(after)]);
    for (const key of keys) resetAt([key, ...rest], before, after, wasSecret || isSecret(previous));
    return;
  }
  if (part === undefined || !isContainer(before) || !isContainer(after)) return;
  const old = child(before, part);
  if (rest.length > 0) {
    const current = child(after, part);
    if (old !== undefined && current !== undefined)
      resetAt(rest, old, current, wasSecret || isSecret(previous));
  } else if (Array.isArray(after)) {
    if (old !== undefined && typeof part === "number" && part < after.length) after[part] = old;
  } else if (old === undefined) {
    Reflect.deleteProperty(after, String(part));
  } else {
    after[String(part)] = wasSecret || isSecret(previous) ? secret(old) : old;
  }
}

function open(value: Value): Value {
  return isSecret(value) ? open(value["value"] ?? null) : value;
}

function isContainer(value: Value): value is Value[] | PropertyMap {
  return Array.isArray(value) || isMap(value);
}

function keysOf(value: Value): (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()];
  return isMap(value) ? Object.keys(value) : [];
}

function child(container: Value[] | PropertyMap, part: string | number): Value | undefined {
  if (Array.isArray(container)) return typeof part === "number" ? container[part] : undefined;
  return container[String(part)];
}
