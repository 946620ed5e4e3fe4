import { z } from "zod";
import { SizeError } from "../render/size";
import type { IssueParams } from "./issues";

/** What the config reference and the error messages say about one setting. */
export interface FieldDoc {
  /** Meaning and, where there is one, danger. */
  readonly description: string;
  /** A valid value: what an error message proposes. */
  readonly example: string;
  /** What is accepted, in words. */
  readonly allowed: string;
  /** What mends a wrong value, where the example would not; null when it is best left out. */
  readonly fix?: string | null;
}

export type Described = Pick<FieldDoc, "description"> & Partial<FieldDoc>;

/** A refusal, with the value that was probably meant. */
export class SettingError extends Error {
  constructor(
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
  }
}

/** Reads a setting from its text; `raw` is what was given, whose type the text does not show. */
type Parse<T, R> = (text: string, raw: R) => T;

/** A setting that is written as a word or a number, whichever of the two it arrives as. */
export function scalarField<T>(doc: FieldDoc, parse: Parse<T, string | number>) {
  return z
    .union([z.string(), z.number()])
    .transform(refusing(parse))
    .meta({ ...doc });
}

/** Text that YAML may read as a number or a truth value: `8` and `true` are their own words. */
export function anyWordField<T>(doc: FieldDoc, parse: Parse<T, string | number | boolean>) {
  return z
    .union([z.string(), z.number(), z.boolean()])
    .transform(refusing(parse))
    .meta({ ...doc });
}

/** A setting that is text. */
export function textField<T>(doc: FieldDoc, parse: Parse<T, string>) {
  return z
    .string()
    .transform(refusing(parse))
    .meta({ ...doc });
}

/** A parser's refusal becomes an issue, with its suggestion if that is one which the parser takes. */
export function refusing<T, R>(parse: Parse<T, R>) {
  return (raw: R, context: z.core.$RefinementCtx): T => {
    try {
      return parse(String(raw), raw);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const params: IssueParams = { fix: suggestion(error, (text) => parse(text, text as R)) };
      context.issues.push({ code: "custom", message, input: raw, params: { ...params } });
      return z.NEVER;
    }
  };
}

function suggestion(error: unknown, parse: (text: string) => unknown): string | undefined {
  if (!(error instanceof SettingError || error instanceof SizeError)) return undefined;
  const { suggestion: text } = error;
  if (text === undefined) return undefined;
  try {
    parse(text);
    return text;
  } catch {
    return undefined;
  }
}
