import { z } from "zod";
import { SizeError } from "../render/size";

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

/** A setting that is written as a word or a number, whichever of the two it arrives as. */
export function scalarField<T>(doc: FieldDoc, parse: (text: string) => T) {
  return z
    .union([z.string(), z.number()])
    .transform(refusing(parse))
    .meta({ ...doc });
}

/** A setting that is text. */
export function textField<T>(doc: FieldDoc, parse: (text: string) => T) {
  return z
    .string()
    .transform(refusing(parse))
    .meta({ ...doc });
}

/** A parser's refusal becomes an issue, with its suggestion. */
function refusing<T>(parse: (text: string) => T) {
  return (raw: string | number, context: z.core.$RefinementCtx): T => {
    try {
      return parse(String(raw));
    } catch (error) {
      const fix = error instanceof SettingError || error instanceof SizeError ? error.suggestion : undefined;
      const message = error instanceof Error ? error.message : String(error);
      context.issues.push({ code: "custom", message, input: raw, params: { fix } });
      return z.NEVER;
    }
  };
}
