import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { formatProblems, PROJECT, readStack, type StackSettings } from "../components/goblin-host/stack";
import { isMap } from "../components/settings/issues";
import { readYaml } from "./pulumi-yaml";

/** An error that is told without a stack trace. */
export class CliError extends Error {}

/**
 * The stack's hosts from Pulumi.STACK.yaml, without the Pulumi CLI: nothing is decrypted.
 * @param stack as Pulumi knows it: prod, or organization/prod
 * @throws CliError
 */
export function readStackFile(stack: string, folder: string): StackSettings {
  const name = stack.split("/").at(-1) ?? stack;
  const file = join(folder, `Pulumi.${name}.yaml`);
  if (!existsSync(file)) throw new CliError(noSuchStack(name, folder));
  let content: unknown;
  try {
    content = readYaml(readFileSync(file, "utf8"), `Pulumi.${name}.yaml`);
  } catch (error) {
    throw new CliError((error as Error).message, { cause: error });
  }
  const config = isMap(content) && isMap(content["config"]) ? content["config"] : {};
  const given = Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${PROJECT}:`))
      .map(([key, value]) => [key.slice(PROJECT.length + 1), value]),
  );
  // The agent logs in here; the secret key is for programs that Pulumi runs.
  delete given["privateKey"];
  const encrypted = Object.entries(given).flatMap(([key, value]) => securePaths(value, [key]));
  if (encrypted.length > 0) {
    throw new CliError(
      `encrypted in Pulumi.${name}.yaml, and only Pulumi can read it: ${encrypted.join(", ")}. Use pulumi preview --expect-no-changes`,
    );
  }
  const read = readStack(given, stack);
  if ("problems" in read) throw new CliError(formatProblems(read.problems));
  return read;
}

function noSuchStack(name: string, folder: string): string {
  const stacks = readdirSync(folder)
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((found) => found !== undefined);
  return `there is no Pulumi.${name}.yaml in ${folder}; --stack can be: ${stacks.join(", ") || "none"}`;
}

/** `secure:` stands for a value that is encrypted. */
function securePaths(value: unknown, path: readonly string[]): string[] {
  if (!isMap(value)) return [];
  if (typeof value["secure"] === "string" && Object.keys(value).length === 1)
    return [`${PROJECT}:${path.join(".")}`];
  return Object.entries(value).flatMap(([key, inner]) => securePaths(inner, [...path, key]));
}
