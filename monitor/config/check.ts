import type * as z from "zod/mini";
import { MonitorConfig, type SettledConfig } from "./schema";

/** What is wrong with a configuration: all of it, a line each. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Checks the text of a configuration file. An error names each setting, its value and what is allowed. */
export function checkConfig(text: string, file: string): SettledConfig {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const result = MonitorConfig.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, given, file)));
}

function describe(issue: z.core.$ZodIssue, given: unknown, file: string): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${file}: there is no setting ${pathOf([...issue.path, key])}`);
  }
  const name = issue.path.length === 0 ? "the document" : pathOf(issue.path);
  const value = valueAt(given, issue.path);
  const found = value === undefined ? "is missing" : `is ${shortened(JSON.stringify(value))}`;
  const allowed = issue.message === "Invalid input" ? "a map" : issue.message;
  return [`${file}: ${name} ${found}; allowed: ${allowed}`];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
