import type { z } from "zod";
import { closest } from "./closest";
import { listElements } from "./lists";
import { allowedBy, documentation, knownKeys, requiredKey, schemaAt } from "./schema-walk";
import { display, pathsOfKey, type SettingPath, valueAt, withoutNulls } from "./values";

/** One thing that is wrong with the settings. */
export interface SettingIssue {
  readonly path: SettingPath;
  /** What was found there; undefined when nothing was. */
  readonly value: unknown;
  /** The value is the default. Default: it was given. */
  readonly isDefault?: boolean;
  readonly message: string;
  readonly allowed?: string;
  /** The value to set, or the values of a list to set one by one; null when the setting must go. */
  readonly fix: string | readonly string[] | null;
}

/** Either the settings, or everything that is wrong with them. */
export type Checked<T> = { readonly value: T } | { readonly issues: readonly SettingIssue[] };

/** What a schema's own check tells beside its message. */
export interface IssueParams {
  /** What mends it. Default: what the setting's documentation says. */
  readonly fix?: string | null | undefined;
  /** What it has where nothing is given. */
  readonly preset?: unknown;
}

/** A key that zod leaves out of a map by names, without a word. */
const SWALLOWED = "__proto__";

/** Validates settings against their schema. Null means "as if not given", at any depth. */
export function checkSettings<S extends z.ZodType>(schema: S, input: unknown): Checked<z.output<S>> {
  const given = withoutNulls(input);
  const swallowed = pathsOfKey(SWALLOWED, given);
  if (swallowed.length > 0) return { issues: swallowed.map((path) => describeKey(schema, given, path)) };
  const result = schema.safeParse(given, { reportInput: true });
  if (result.success) return { value: result.data };
  return { issues: result.error.issues.flatMap((issue) => describe(schema, given, issue)) };
}

/** The one place where an issue becomes words; `command` is what mends it. */
export function formatIssue(issue: SettingIssue, name: string, command: string | undefined): string {
  const is = issue.isDefault === true ? "is by default" : "is";
  const found = issue.value === undefined ? "is missing" : `${is} ${display(issue.value)}`;
  const allowed = issue.allowed === undefined ? "" : `\n    allowed: ${issue.allowed}`;
  return `${name} ${found}: ${issue.message}${allowed}${command === undefined ? "" : `\n    fix: ${command}`}`;
}

/** The same with what its setting's schema allows, where it says nothing of that itself. */
export function withAllowed(schema: z.ZodType, issue: SettingIssue): SettingIssue {
  const allowed = issue.allowed ?? allowedBy(schemaAt(schema, issue.path));
  return allowed === undefined ? issue : { ...issue, allowed };
}

function describe(schema: z.ZodType, root: unknown, issue: z.core.$ZodIssue): SettingIssue[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => describeKey(schema, root, [...path, key]));
  }
  if (issue.code === "invalid_key") {
    const allowed = issue.issues.map((inner) => inner.message).join("; ");
    return [{ path, value: path.at(-1), message: "that is no such name", allowed, fix: null }];
  }
  return [describeValue(schema, root, path, issue)];
}

/** A key that is none. */
function describeKey(schema: z.ZodType, root: unknown, path: SettingPath): SettingIssue {
  const map = schemaAt(schema, path.slice(0, -1));
  const known = knownKeys(map);
  const message = `there is no such setting${closest(String(path.at(-1)), known)}`;
  const allowed = known.length > 0 ? known.join(", ") : (allowedBy(map) ?? "another name");
  return { path, value: valueAt(root, path), message, allowed, fix: null };
}

function describeValue(
  schema: z.ZodType,
  root: unknown,
  path: (string | number)[],
  issue: z.core.$ZodIssue,
): SettingIssue {
  const written = mendablePath(schema, root, path);
  const params: IssueParams = (issue.code === "custom" ? issue.params : undefined) ?? {};
  const given = valueAt(root, written);
  const value = given === undefined ? params.preset : given;
  const at = schemaAt(schema, written);
  const doc = documentation(at);
  const allowed = allowedBy(at);
  const elements = listElements(at, given);
  const usual = value === undefined || doc?.fix === undefined ? (doc?.example ?? null) : doc.fix;
  return {
    path: written,
    value,
    ...(given === undefined && value !== undefined ? { isDefault: true } : {}),
    message: issue.code === "custom" ? issue.message : wordsFor(value, elements !== undefined),
    ...(allowed === undefined ? {} : { allowed }),
    fix: elements ?? (params.fix === undefined ? usual : params.fix),
  };
}

function wordsFor(value: unknown, isList: boolean): string {
  if (value === undefined) return "it is required";
  return isList && !Array.isArray(value)
    ? "this is a list, whose values are given one by one"
    : "that is not allowed here";
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
