/** YAML as Pulumi reads it, with the engine's errors. */

import { readYaml as readPulumiYaml } from "../../../cli/pulumi-yaml";
import { EngineError } from "./types";
import type { Value } from "./values";

/** The value of a YAML text. `what` names it in errors. */
export function readYaml(text: string, what: string): Value {
  try {
    return readPulumiYaml(text, what) as Value;
  } catch (error) {
    throw new EngineError((error as Error).message, { cause: error });
  }
}

/** The value of a text that is YAML or JSON with a structure, else undefined: what Pulumi diffs by structure. */
export function structured(text: string): { kind: "json" | "yaml"; value: Value } | undefined {
  const trimmed = text.trim();
  for (const kind of ["json", "yaml"] as const) {
    // Pulumi tries YAML on texts of several lines only, so that "foo: bar" stays a string.
    if (kind === "yaml" && !trimmed.includes("\n")) continue;
    try {
      const value = kind === "json" ? (JSON.parse(trimmed) as Value) : readYaml(trimmed, "text");
      if (typeof value === "object" && value !== null) return { kind, value };
    } catch {
      // Not of this kind.
    }
  }
  return undefined;
}
