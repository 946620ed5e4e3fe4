import { z } from "zod";

/** One thing that is wrong with the settings. */
export interface SettingIssue {
  readonly path: readonly (string | number)[];
  /** What was found there; undefined when nothing was. */
  readonly value: unknown;
  readonly message: string;
  readonly allowed?: string;
  /** The value to set; null when the setting must go. */
  readonly fix: string | null;
}

/** Either the settings, or everything that is wrong with them. */
export type Checked<T> = { readonly value: T } | { readonly issues: readonly SettingIssue[] };

/** Validates settings against their schema. Null means "as if not given", at any depth. */
export function checkSettings<S extends z.ZodType>(schema: S, input: unknown): Checked<z.output<S>> {
  const given = withoutNulls(input);
  const result = schema.safeParse(given, { reportInput: true });
  if (result.success) return { value: result.data };
  return { issues: result.error.issues.flatMap((issue) => describe(schema, given, issue)) };
}

/** The one place where an issue becomes words; `command` is what mends it. */
export function formatIssue(issue: SettingIssue, name: string, command: string | undefined): string {
  const found = issue.value === undefined ? "is missing" : `is ${display(issue.value)}`;
  const allowed = issue.allowed === undefined ? "" : `\n    allowed: ${issue.allowed}`;
  return `${name} ${found}: ${issue.message}${allowed}${command === undefined ? "" : `\n    fix: ${command}`}`;
}

/** A setting's path as Pulumi writes it: `workloads.ollama.memory.max`, `earlyOom.avoid[0]`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[A-Za-z0-9_-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value) || (Object.getPrototypeOf(value) as unknown) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
  );
}

function describe(schema: z.ZodType, root: unknown, issue: z.core.$ZodIssue): SettingIssue[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schemaAt(schema, path));
    return issue.keys.map((key) => ({
      path: [...path, key],
      value: valueAt(root, [...path, key]),
      message: `there is no such setting${closest(key, known)}`,
      allowed: known.join(", "),
      fix: null,
    }));
  }
  if (issue.code === "invalid_key") {
    const message = issue.issues.map((inner) => inner.message).join("; ");
    return [
      {
        path,
        value: valueAt(root, path.slice(0, -1)) === undefined ? undefined : path.at(-1),
        message,
        fix: null,
      },
    ];
  }
  const written = writtenPath(root, path);
  const value = valueAt(root, written);
  const at = schemaAt(schema, path);
  const doc = documentation(at);
  const params = issue.code === "custom" ? (issue.params as { fix?: string | null } | undefined) : undefined;
  const fields = knownKeys(at);
  const allowed = doc?.allowed ?? (fields.length > 0 ? `a map of ${fields.join(", ")}` : undefined);
  return [
    {
      path: written,
      value,
      message:
        issue.code === "custom"
          ? issue.message
          : value === undefined
            ? "it is required"
            : "that is not allowed here",
      ...(allowed === undefined ? {} : { allowed }),
      fix: params?.fix === undefined ? (doc?.example ?? null) : params.fix,
    },
  ];
}

/** Where a shorthand stands for a map (`io: high`), the path ends at the shorthand. */
function writtenPath(root: unknown, path: (string | number)[]): (string | number)[] {
  for (let length = 1; length < path.length; length++) {
    const value = valueAt(root, path.slice(0, length));
    if (value !== undefined && typeof value !== "object") return path.slice(0, length);
  }
  return path;
}

/** The schema that a path leads to, through optional, default and pipe. */
export function schemaAt(schema: z.ZodType, path: readonly (string | number)[]): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema;
  for (const part of path) {
    const inner: z.ZodType | undefined = at === undefined ? undefined : unwrap(at);
    if (inner instanceof z.ZodObject)
      at = (inner.shape as Record<string, z.ZodType | undefined>)[String(part)];
    else if (inner instanceof z.ZodRecord) at = inner.valueType as z.ZodType;
    else if (inner instanceof z.ZodArray) at = inner.element as z.ZodType;
    else return undefined;
  }
  return at;
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

function knownKeys(schema: z.ZodType | undefined): string[] {
  const inner = schema === undefined ? undefined : unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** ", did you mean X?" where one known key is close. */
export function closest(key: string, known: readonly string[]): string {
  const ranked = known.map(
    (candidate) => [distance(key.toLowerCase(), candidate.toLowerCase()), candidate] as const,
  );
  const best = ranked.sort(([a], [b]) => a - b)[0];
  return best !== undefined && best[0] <= 2 ? `; did you mean ${best[1]}?` : "";
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function display(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
