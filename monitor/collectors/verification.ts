import { join } from "node:path";
import { readText } from "../host/files";
import type { Roots } from "../host/roots";
import { type LimitVerdict, parseVerdicts, parseVerification, type Verification } from "../parse/documents";

/** The last result of `ai-resource-manager verify`; undefined before its first run since boot. */
export function collectVerification({ manager }: Roots): Verification | undefined {
  const text = readText(join(manager, "last-verify.json"));
  return text === undefined ? undefined : parseVerification(text);
}

/** What the manager last found of every declared limit; undefined before it looked since boot. */
export function collectVerdicts({ manager }: Roots): LimitVerdict[] | undefined {
  const text = readText(join(manager, "limits.tsv"));
  return text === undefined ? undefined : parseVerdicts(text);
}
