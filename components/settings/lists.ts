import { z } from "zod";
import { documentation, unwrap } from "./schema-walk";
import { isMap } from "./values";

/**
 * What a list is to hold where something else was given for it: a single text is its one value, a map by positions its
 * values in order, if they can be. Otherwise one value that is an example.
 * @param schema of what was refused
 * @returns undefined where that is no list
 */
export function listElements(schema: z.ZodType | undefined, given: unknown): readonly string[] | undefined {
  const list = schema === undefined ? undefined : unwrap(schema);
  if (!(list instanceof z.ZodArray)) return undefined;
  const element = list.element as z.ZodType;
  const meant = valuesOf(given).map((value) => written(element, value));
  const values = meant.filter((value) => value !== undefined);
  if (values.length > 0 && values.length === meant.length) return values;
  const example = documentation(element)?.example;
  return example === undefined ? [] : [example];
}

/** As one would write it at its place: itself, if it can stand there, or as what is said to be meant. */
function written(element: z.ZodType, value: unknown): string | undefined {
  const result = element.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const fix: unknown = issue?.code === "custom" ? issue.params?.["fix"] : undefined;
    return typeof fix === "string" ? fix : undefined;
  }
  return typeof result.data === "string" || typeof result.data === "number" ? String(result.data) : undefined;
}

function valuesOf(given: unknown): readonly unknown[] {
  if (given === undefined || Array.isArray(given)) return [];
  if (!isMap(given)) return [given];
  const entries = Object.entries(given);
  return entries.every(([key], index) => key === String(index)) ? entries.map(([, value]) => value) : [];
}
