import { quotePasted } from "../render/shell";
import type { SettingIssue } from "../settings/issues";
import { pulumiPath, type SettingPath } from "../settings/values";
import { PROJECT } from "./project";

/**
 * What mends an issue, to be pasted into a shell. What a list is to hold is set value by value, because
 * `pulumi config set` makes a text of everything in brackets.
 * @param path where the setting is written
 */
export function fixCommand(path: SettingPath, { fix, value }: SettingIssue): string {
  if (fix === null) return removal(path);
  if (typeof fix === "string") return `pulumi config set --path ${key(path)} ${word(fix)}`;
  const isFresh = value === undefined || (Array.isArray(value) && value.length === 0);
  return [
    ...(isFresh && fix.length > 0 ? [] : [removal(path)]),
    ...fix.map((element, index) => `pulumi config set --path ${key([...path, index])} ${word(element)}`),
  ].join(" && ");
}

function removal(path: SettingPath): string {
  return `pulumi config rm --path ${key(path)}`;
}

function key(path: SettingPath): string {
  return quotePasted(`${PROJECT}:${pulumiPath(path)}`);
}

/** A value that begins with a dash would be a flag. */
function word(value: string): string {
  const quoted = /^[A-Za-z0-9%._/:@+-]+$/.test(value) ? value : quotePasted(value);
  return value.startsWith("-") ? `-- ${quoted}` : quoted;
}
