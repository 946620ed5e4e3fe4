import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../components/goblin-host/project";
import { SECRET_KEYS } from "../components/goblin-host/secrets";
import { HIDDEN_ADDRESS } from "../components/monitor-credentials/schema";
import { formatProblems, readStack, type StackSettings } from "../components/goblin-host/stack";
import type { StackId } from "../components/host-bundle/identity";
import { isMap } from "../components/settings/values";
import { readYaml } from "./pulumi-yaml";

/** An error that is told without a stack trace. */
export class CliError extends Error {}

/**
 * The stack's hosts from Pulumi.STACK.yaml, without the Pulumi CLI: nothing is decrypted.
 * @param stack as Pulumi knows it: prod, or organization/prod
 * @throws CliError
 */
export function readStackFile(stack: string, folder: string): StackSettings {
  const name = stackName(stack);
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
  const whole = SECRET_KEYS.filter((key) => key !== "privateKey").filter((key) => isEncrypted(given[key]));
  if (whole.length > 0) {
    throw new CliError(
      `${PROJECT}:${whole.join(` and ${PROJECT}:`)} in Pulumi.${name}.yaml is encrypted as a whole, and only Pulumi can read it. ` +
        `Set each value with --path, so that its name stands there, or use pulumi preview --expect-no-changes`,
    );
  }
  const secret = new Set(Object.keys(given).filter((key) => holdsEncrypted(given[key])));
  const read = readStack({ ...given, ...hidden(given) }, stack, secret);
  if ("problems" in read) throw new CliError(formatProblems(read.problems));
  return read;
}

/** What Pulumi calls the stack: its name without an organization, in the project of the Pulumi.yaml beside it. */
export function stackId(stack: string, folder: string): StackId {
  const file = join(folder, "Pulumi.yaml");
  const project = existsSync(file) ? readYaml(readFileSync(file, "utf8"), "Pulumi.yaml") : {};
  const name = isMap(project) ? project["name"] : undefined;
  return { project: typeof name === "string" ? name : PROJECT, stack: stackName(stack) };
}

function stackName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}

function noSuchStack(name: string, folder: string): string {
  if (!existsSync(folder))
    return `there is no folder ${folder} (--folder), and so no Pulumi.${name}.yaml in it`;
  const stacks = readdirSync(folder)
    .map((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1])
    .filter((found) => found !== undefined);
  return `there is no Pulumi.${name}.yaml in ${folder}; --stack can be: ${stacks.join(", ") || "none"}`;
}

/** Nothing is decrypted here: the names are all that matters. */
function hidden(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const meant = SECRET_KEYS.filter((key) => given[key] !== undefined);
  return Object.fromEntries(meant.map((key) => [key, hide(given[key], STAND_INS[key] ?? "[secret]")]));
}

/** What stands for a secret that must have a form. */
const STAND_INS: Readonly<Record<string, string>> = {
  monitorCredentials: HIDDEN_ADDRESS,
  hostMonitorCredentials: HIDDEN_ADDRESS,
  prometheusCredentials: HIDDEN_ADDRESS,
  hostPrometheusCredentials: HIDDEN_ADDRESS,
};

function hide(value: unknown, standIn: string): unknown {
  if (isEncrypted(value)) return standIn;
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner, standIn)]));
}

/** `secure:` stands for a value that is encrypted. */
function isEncrypted(value: unknown): boolean {
  return isMap(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1;
}

function holdsEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isEncrypted(value) || Object.values(value).some(holdsEncrypted);
}
