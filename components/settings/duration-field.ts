import { parseDuration } from "../render/duration";
import { scalarField, SettingError } from "./field";

/**
 * A duration in whole seconds or minutes; components/render/duration.ts reads it.
 * @param doc `least` is the shortest one, `most` the longest. Default: 1s and 99999min
 */
export function durationField(doc: { description: string; example: string; least?: string; most?: string }) {
  const { least, most, ...rest } = doc;
  const bounds = [least && `at least ${least}`, most && `at most ${most}`].filter(
    (bound) => bound !== undefined,
  );
  const allowed = [`seconds or minutes: ${doc.example}, 5min`, ...bounds].join(", ");
  return scalarField({ ...rest, allowed }, (text) => {
    if (!/^[1-9][0-9]{0,4}(s|min)$/.test(text)) throw new SettingError("that is no duration", meant(text));
    if (least !== undefined && parseDuration(text) < parseDuration(least))
      throw new SettingError(`that is less than ${least}`, least);
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
