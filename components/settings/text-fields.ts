import { anyWordField, type Described, type FieldDoc, scalarField, SettingError, textField } from "./field";

/** The most that a host takes as a file's path, and more than any needs. */
const LONGEST_PATH = 180;

/** An absolute path that needs no quoting anywhere. */
export function pathField(doc: Described) {
  return textField(
    { example: "/srv/models", allowed: "an absolute path of letters, digits and . _ + @ -", ...doc },
    (text) => {
      if (!/^(\/[A-Za-z0-9._+@-]+)+$/.test(text)) throw new SettingError("that is no such path");
      if (/\/\.{1,2}(\/|$)/.test(text)) throw new SettingError("a path must not hold . or .. as a part");
      if (text.length > LONGEST_PATH) throw new SettingError(`a path has at most ${LONGEST_PATH} characters`);
      return text;
    },
  );
}

/** A word that matches a pattern. */
export function wordField(doc: FieldDoc & { pattern: RegExp }) {
  const { pattern, ...rest } = doc;
  return textField(rest, (text) => matching(pattern, text));
}

/** A word that may look like a number, such as a device's. */
export function tokenField(doc: FieldDoc & { pattern: RegExp }) {
  const { pattern, ...rest } = doc;
  return scalarField(rest, (text) => matching(pattern, text));
}

/** Text on one line, and not empty. */
export function lineField<T = string>(doc: FieldDoc, parse?: (text: string) => T) {
  return textField(doc, (text) => (parse ?? (someLine as (text: string) => T))(someLine(text)));
}

/** The same where YAML may read a number or a truth value: the command `true`, the port 8080. */
export function filledValueField(doc: FieldDoc) {
  return anyWordField(doc, (text, raw) => someLine(exact(text, raw)));
}

/** Text on one line that may be empty, or look like a number or a truth value: a variable's value, an argument. */
export function valueField(doc: FieldDoc) {
  return anyWordField(doc, (text, raw) => oneLine(exact(text, raw)));
}

/** @throws SettingError with what was probably meant, where that is known */
export function matching(pattern: RegExp, text: string, meant?: string): string {
  if (!pattern.test(text)) throw new SettingError("that is no such name", meant);
  return text;
}

function someLine(text: string): string {
  if (text === "") throw new SettingError("that is empty");
  return oneLine(text);
}

/** What neither a unit file nor a bundle can carry, whatever its quotes. */
function oneLine(text: string): string {
  if (/[\p{Cc}\u2028\u2029]/u.test(text))
    throw new SettingError("it holds a line break or a control character");
  if (/[\p{Surrogate}\ufeff\ufffe\uffff]/u.test(text))
    throw new SettingError("it holds a byte order mark or half a character");
  return text;
}

/** A number as it was written, as far as one can know: 1.10 has become 1.1, but no digit may be another. */
function exact(text: string, raw: string | number | boolean): string {
  if (typeof raw !== "number") return text;
  const isWhole = Number.isInteger(raw);
  if (/^-?[0-9]+(\.[0-9]+)?$/.test(text) && (!isWhole || Number.isSafeInteger(raw))) return text;
  throw new SettingError("a number of so many digits is not kept as it is written; write it in quotes");
}
