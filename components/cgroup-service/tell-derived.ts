import * as pulumi from "@pulumi/pulumi";
import { derivedVariables, describeDerived } from "./environment";
import type { SettledWorkload } from "./workload";

/**
 * Says in a preview which variables follow from a workload's settings, and by which rules: a container's are shown there
 * without them.
 * @param secrets names of its secret variables
 */
export function tellDerived(
  resource: pulumi.Resource,
  workload: SettledWorkload,
  secrets: readonly string[],
): void {
  const text = describeDerived(derivedVariables(workload, secrets));
  if (text !== undefined && pulumi.runtime.isDryRun()) void pulumi.log.info(text, resource);
}
