import { isMap } from "../settings/issues";

/** Settings that are validated today and applied by a later version. An operator is told once per run. `*` is any name. */
const NOT_YET_APPLIED: readonly (readonly string[])[] = [["observe"]];

/** The settings given by a host that this version does not apply. */
export function notYetApplied(raw: unknown): string[] {
  return NOT_YET_APPLIED.flatMap((setting) => present(raw, setting));
}

/** The settings of that form which are given; `*` is any name. */
function present(raw: unknown, [part, ...rest]: readonly string[], trail: readonly string[] = []): string[] {
  if (part === undefined) return isDefault(raw) ? [] : [trail.join(".")];
  if (!isMap(raw)) return [];
  const keys = part === "*" ? Object.keys(raw) : Object.hasOwn(raw, part) ? [part] : [];
  return keys.flatMap((key) => present(raw[key], rest, [...trail, key]));
}

/** What Pulumi.yaml gives when the stack says nothing. */
function isDefault(raw: unknown): boolean {
  return raw === undefined || raw === "auto" || (isMap(raw) && Object.keys(raw).length === 0);
}
