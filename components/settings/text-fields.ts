import { type Described, type FieldDoc, scalarField, SettingError, textField } from "./field";

/** An absolute path that needs no quoting anywhere. */
export function pathField(doc: Described) {
  return textField(
    { example: "/srv/models", allowed: "an absolute path of letters, digits and . _ + @ -", ...doc },
    (text) => {
      if (!/^(\/[A-Za-z0-9._+@-]+)+$/.test(text)) throw new SettingError("that is no such path");
      if (/\/\.{1,2}(\/|$)/.test(text)) throw new SettingError("a path must not hold . or .. as a part");
      return text;
    },
  );
}

/** A word that matches a pattern. */
export function wordField(doc: FieldDoc & { pattern: RegExp }) {
  const { pattern, ...rest } = doc;
  return textField(rest, (text) => matching(pattern, text));
}

/** A duration in whole seconds or minutes; components/render/duration.ts reads it. */
export function durationField(doc: { description: string; example: string }) {
  return wordField({
    ...doc,
    allowed: `seconds or minutes: ${doc.example}, 5min`,
    pattern: /^[1-9][0-9]{0,4}(s|min)$/,
  });
}

/** A word that may look like a number, such as a device's. */
export function tokenField(doc: FieldDoc & { pattern: RegExp }) {
  const { pattern, ...rest } = doc;
  return scalarField(rest, (text) => matching(pattern, text));
}

/** Text on one line. */
export function lineField<T = string>(doc: FieldDoc, parse?: (text: string) => T) {
  return textField(doc, (text) => (parse ?? (oneLine as (text: string) => T))(oneLine(text)));
}

/** Text on one line that may look like a number, such as a variable's value. */
export function valueField(doc: FieldDoc) {
  return scalarField(doc, oneLine);
}

function matching(pattern: RegExp, text: string): string {
  if (!pattern.test(text)) throw new SettingError("that is no such name");
  return text;
}

function oneLine(text: string): string {
  if (text === "") throw new SettingError("that is empty");
  if (/\p{Cc}|[\u2028\u2029\ufeff]/u.test(text))
    throw new SettingError("it holds a line break or a control character");
  return text;
}
