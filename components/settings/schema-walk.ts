import { z } from "zod";

/** The schema that a path leads to, through optional, default and pipe. */
export function schemaAt(schema: z.ZodType, path: readonly (string | number)[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema;
  for (const part of path) {
    const inner: z.ZodType | undefined = at === undefined ? undefined : unwrap(at);
    if (inner instanceof z.ZodObject) at = fieldOf(inner, String(part));
    else if (inner instanceof z.ZodRecord) at = inner.valueType as z.ZodType;
    else if (inner instanceof z.ZodArray) at = inner.element as z.ZodType;
    else return undefined;
  }
  return at;
}

function fieldOf({ shape }: z.ZodObject, key: string): z.ZodType | undefined {
  return Object.hasOwn(shape, key) ? (shape[key] as z.ZodType | undefined) : undefined;
}

/** What a setting can be, in words: as its documentation says, or by what its schema is. */
export function allowedBy(schema: z.ZodType | undefined): string | undefined {
  const said = documentation(schema)?.allowed;
  if (said !== undefined || schema === undefined) return said;
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return `a map of ${knownKeys(inner).join(", ")}`;
  if (inner instanceof z.ZodRecord) return "a map from each one's name to its value";
  if (inner instanceof z.ZodArray) return `a list of: ${allowedBy(inner.element as z.ZodType) ?? ""}`;
  return undefined;
}

export function documentation(schema: z.ZodType | undefined): Documentation | undefined {
  let at = schema;
  while (at !== undefined) {
    const meta = at.meta();
    if (meta !== undefined) return meta;
    at = inward(at);
  }
  return undefined;
}

/** What `meta` says of a setting; see FieldDoc. */
export interface Documentation {
  readonly description?: string | undefined;
  readonly example?: string;
  readonly allowed?: string;
  readonly fix?: string | null;
}

/** The object, record or array inside the wrappers. */
export function unwrap(schema: z.ZodType): z.ZodType {
  const inner = inward(schema);
  return inner === undefined ? schema : unwrap(inner);
}

function inward(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) {
    return schema.unwrap() as z.ZodType;
  }
  if (schema instanceof z.ZodPipe)
    return (schema.in instanceof z.ZodTransform ? schema.out : schema.in) as z.ZodType;
  return undefined;
}

/** The keys of a map's schema. */
export function knownKeys(schema: z.ZodType | undefined): string[] {
  const inner = schema === undefined ? undefined : unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The first key that a map cannot be without. */
export function requiredKey(schema: z.ZodType | undefined): string | undefined {
  const inner = schema === undefined ? undefined : unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return undefined;
  const shape = inner.shape as Record<string, z.ZodType>;
  return Object.keys(shape).find((key) => shape[key]?.safeParse(undefined).success === false);
}
