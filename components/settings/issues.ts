import type { z } from "zod";
import { closest } from "./closest";
import { documentation, knownKeys, requiredKey, schemaAt } from "./schema-walk";

/** The keys and list positions that lead to a setting. */
export type SettingPath = readonly (string | number)[];

/** One thing that is wrong with the settings. */
export interface SettingIssue {
  readonly path: SettingPath;
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
export function formatPath(path: SettingPath): string {
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

export function valueAt(root: unknown, path: SettingPath): unknown {
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
  const written = mendablePath(schema, root, path);
  const value = valueAt(root, written);
  const at = schemaAt(schema, written);
  const doc = documentation(at);
  const params = issue.code === "custom" ? (issue.params as { fix?: string | null } | undefined) : undefined;
  const fields = knownKeys(at);
  const allowed = doc?.allowed ?? (fields.length > 0 ? `a map of ${fields.join(", ")}` : undefined);
  const usual = value === undefined || doc?.fix === undefined ? (doc?.example ?? null) : doc.fix;
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
      fix: params?.fix === undefined ? usual : params.fix,
    },
  ];
}

/**
 * Where an operator can mend it: at a shorthand that stands for a map (`io: high`), and inside a map that is
 * missing altogether.
 */
function mendablePath(schema: z.ZodType, root: unknown, path: (string | number)[]): (string | number)[] {
  for (let length = 1; length < path.length; length++) {
    const value = valueAt(root, path.slice(0, length));
    if (value !== undefined && typeof value !== "object") return path.slice(0, length);
  }
  const required = valueAt(root, path) === undefined ? requiredKey(schemaAt(schema, path)) : undefined;
  return required === undefined ? path : [...path, required];
}

function display(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
