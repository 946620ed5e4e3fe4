/** The keys and list positions that lead to a setting. */
export type SettingPath = readonly (string | number)[];

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands at a path; undefined where nothing does, whatever objects inherit. */
export function valueAt(root: unknown, path: SettingPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The paths of all keys of that name, at any depth. */
export function pathsOfKey(name: string, value: unknown, path: SettingPath = []): SettingPath[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => pathsOfKey(name, inner, [...path, index]));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === name ? [[...path, key]] : pathsOfKey(name, inner, [...path, key]),
  );
}

/** The same without what is null in its maps, at any depth. In a list null has a place, and stays. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value) || (Object.getPrototypeOf(value) as unknown) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  );
}

/** A setting's path as people read it: `workloads.ollama.memory.max`, `earlyOom.avoid[0]`. */
export function formatPath(path: SettingPath): string {
  return joinPath(path, (key) => JSON.stringify(key).replace(UNSHOWN, escaped));
}

/** The same as Pulumi's --path reads it: within its quotes only \" stands for something else. */
export function pulumiPath(path: SettingPath): string {
  return joinPath(path, (key) => `"${key.replaceAll('"', '\\"')}"`);
}

function joinPath(path: SettingPath, quote: (key: string) => string): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(part)) return `[${quote(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

/** A value as an error shows it: JSON on one line, cut after 80 characters. */
export function display(value: unknown): string {
  const isPlain = typeof value !== "number" || Number.isFinite(value);
  const json = isPlain ? (JSON.stringify(value) as string | undefined) : undefined;
  const text = (json ?? String(value)).replace(UNSHOWN, escaped);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What JSON leaves as it is, and a terminal acts on or does not show. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu;

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
