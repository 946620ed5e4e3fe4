/** What changes between the inputs in the state and the ones of the program. */

import { contains, parsePath, type Path } from "./paths";
import { equal, isMap, isSecret, type PropertyMap, type Value } from "./values";

export interface PropertyDiff {
  path: Path;
  /** The change cannot be made in place. */
  replace: boolean;
}

/** What a provider says of a change. No entry means no change. */
export interface Diff {
  properties: PropertyDiff[];
  deleteBeforeReplace?: boolean;
  /** What the change is shown as; default: the inputs. A provider that reads its resources compares with what it read. */
  shown?: { before: PropertyMap; after: PropertyMap };
}

/**
 * The paths that differ. A secret is one value to Pulumi's providers: nothing below it has a path of its own
 * (measured: `replaceOnChanges: ["connection.host"]` never matches).
 */
export function diffInputs(
  before: PropertyMap,
  after: PropertyMap,
  replaces: (path: Path) => boolean = () => false,
): Diff {
  return { properties: changed(before, after, []).map((path) => ({ path, replace: replaces(path) })) };
}

function changed(before: Value | undefined, after: Value | undefined, path: Path): Path[] {
  if (equal(before, after)) return [];
  if (isSecret(before) || isSecret(after)) return [path];
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => changed(before[key], after[key], [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const indexes = [...Array(Math.max(before.length, after.length)).keys()];
    return indexes.flatMap((index) => changed(before[index], after[index], [...path, index]));
  }
  return [path];
}

/** Turns changes on the paths of `replaceOnChanges` into replacements. */
export function applyReplaceOnChanges(diff: Diff, replaceOnChanges: string[]): Diff {
  const prefixes = replaceOnChanges.map(parsePath);
  const properties = diff.properties.map((property) => ({
    ...property,
    replace: property.replace || prefixes.some((prefix) => contains(prefix, property.path)),
  }));
  return { ...diff, properties };
}
