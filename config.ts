import * as pulumi from "@pulumi/pulumi";
import { PROJECT } from "./components/goblin-host/project";
import { type ConfiguredHost, formatProblems, readStack } from "./components/goblin-host/stack";

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
  const given = Object.fromEntries(keys.map((key) => [key, key === "privateKey" ? "" : config.get(key)]));
  const secret = new Set(keys.filter((key) => isConfigSecret(`${PROJECT}:${key}`)));
  const read = readStack(given, pulumi.getStack(), secret);
  if ("problems" in read) throw configError(read.problems);
  const warnings = [...read.warnings, ...(keys.includes("privateKey") ? keyWarnings() : [])];
  for (const warning of warnings) void pulumi.log.warn(warning);
  return { hosts: read.hosts, privateKey: config.getSecret("privateKey") };
}

/** A refresh comes before the program, and a destroy does without it, unless the CLI is told otherwise. */
function keyWarnings(): string[] {
  if (/^(1|true)$/i.test(process.env["PULUMI_RUN_PROGRAM"] ?? "")) return [];
  return [
    "docker's ssh has goblin-host:privateKey only while this program runs: set PULUMI_RUN_PROGRAM=true, or a refresh (every preview and up begins with one) and a destroy do not reach Docker",
  ];
}

/**
 * Whether something in a key's value is a secret: all that Pulumi tells a program (config.ts of its SDK, which uses it to
 * warn). Which part of a map it is, only the engine knows.
 */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

function configError(problems: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError(formatProblems(problems));
  // With a stack the engine inspects the whole program: 17-32 s and 3 GB for a misspelt size (measured).
  delete error.stack;
  return error;
}
