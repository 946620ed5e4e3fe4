import { parseDuration } from "../render/duration";
import { scalarField, SettingError } from "./field";

/**
 * A duration in whole seconds or minutes; components/render/duration.ts reads it.
 * @param doc `most` is the longest one. Default: 99999min
 */
export function durationField(doc: { description: string; example: string; most?: string }) {
  const { most, ...rest } = doc;
  const allowed = `seconds or minutes: ${doc.example}, 5min${most === undefined ? "" : `, at most ${most}`}`;
  return scalarField({ ...rest, allowed }, (text) => {
    if (!/^[1-9][0-9]{0,4}(s|min)$/.test(text)) throw new SettingError("that is no duration", meant(text));
    if (most !== undefined && parseDuration(text) > parseDuration(most))
      throw new SettingError(`that is more than ${most}`, most);
    return text;
  });
}

/** The same in the units of the settings, where it is one in others. */
function meant(text: string): string | undefined {
  const [, number, unit = ""] = /^([1-9][0-9]{0,4}) *([a-z]*)$/.exec(text.trim().toLowerCase()) ?? [];
  if (number === undefined) return undefined;
  if (/^(s|sec|secs|seconds?)?$/.test(unit)) return `${number}s`;
  if (/^(m|min|mins|minutes?)$/.test(unit)) return `${number}min`;
  return /^(h|hr|hours?)$/.test(unit) ? `${Number(number) * 60}min` : undefined;
}
