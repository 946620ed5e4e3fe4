import { isMap, type SettingPath, valueAt } from "./values";

/** The host's own settings over the shared ones, map by map; null takes a shared setting back to its default. */
export function mergeLayers(shared: unknown, own: unknown): unknown {
  if (!isMap(shared) || !isMap(own)) return own === undefined ? shared : own;
  const keys = new Set([...Object.keys(shared), ...Object.keys(own)]);
  return Object.fromEntries(
    [...keys]
      .map((key) => [key, mergeLayers(valueAt(shared, [key]), valueAt(own, [key]))] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  );
}

/** Where a setting of a host is written: under the host when it says so itself, else where all hosts share it. */
export function locateSetting(layers: Layers, path: SettingPath): SettingPath {
  const { host, own, shared, sharable } = layers;
  const depth = (root: unknown) =>
    path.filter((_, index) => valueAt(root, path.slice(0, index + 1)) !== undefined).length;
  const underHost = !sharable.includes(String(path[0])) && depth(shared) === 0;
  const deeper = depth(own) > 0 && depth(own) >= depth(shared);
  return underHost || deeper ? ["hosts", host, ...path] : path;
}

/** A host's settings before they are merged. */
export interface Layers {
  readonly host: string;
  readonly own: unknown;
  readonly shared: unknown;
  /** The keys that all hosts can share. */
  readonly sharable: readonly string[];
}
