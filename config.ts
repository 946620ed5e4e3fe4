import * as pulumi from "@pulumi/pulumi";
import { type ConfiguredHost, formatProblems, PROJECT, readStack } from "./components/goblin-host/stack";

export interface StackConfig {
  readonly hosts: readonly ConfiguredHost[];
  /** The secret key for where there is no ssh-agent. */
  readonly privateKey: pulumi.Output<string> | undefined;
}

/**
 * Reads and validates the stack's configuration; the only reader of it.
 * @throws pulumi.RunError that lists everything that is wrong, without a stack trace
 */
export function readConfig(): StackConfig {
  const config = new pulumi.Config(PROJECT);
  const keys = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${PROJECT}:`))
    .map((key) => key.slice(PROJECT.length + 1));
  // A secret is only ever taken as one.
  const given = keys.map((key) => [key, key === "privateKey" ? "" : config.get(key)]);
  const read = readStack(Object.fromEntries(given) as Record<string, unknown>, pulumi.getStack());
  if ("problems" in read) throw configError(read.problems);
  for (const warning of read.warnings) void pulumi.log.warn(warning);
  return { hosts: read.hosts, privateKey: config.getSecret("privateKey") };
}

function configError(problems: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError(formatProblems(problems));
  // With a stack the engine inspects the whole program: 17-32 s and 3 GB for a misspelt size (measured).
  delete error.stack;
  return error;
}
