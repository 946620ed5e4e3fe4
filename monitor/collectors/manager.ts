import { join } from "node:path";
import { readText } from "../host/files";
import type { Roots } from "../host/roots";
import {
  type Deployment,
  type LimitVerdict,
  parseDeployment,
  parseVerdicts,
  parseVerification,
  type Verification,
} from "../parse/documents";
import { parsedOnce } from "../parse/text";

const verificationOf = parsedOnce(parseVerification);
const verdictsOf = parsedOnce(parseVerdicts);
const deploymentOf = parsedOnce(parseDeployment);

/** The last result of `ai-resource-manager verify`; undefined before its first run since boot. */
export function collectVerification({ manager }: Roots): Verification | undefined {
  const text = readText(join(manager, "last-verify.json"));
  return text === undefined ? undefined : verificationOf(text);
}

/** What the manager last found of every declared limit; undefined before it looked since boot. */
export function collectVerdicts({ manager }: Roots): LimitVerdict[] | undefined {
  const text = readText(join(manager, "limits.tsv"));
  return text === undefined ? undefined : verdictsOf(text);
}

/** The last deployment on this host; undefined before the first. */
export function collectDeployment({ manager }: Roots): Deployment | undefined {
  const text = readText(join(manager, "deployment.json"));
  return text === undefined ? undefined : deploymentOf(text);
}
