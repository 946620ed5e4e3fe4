import * as pulumi from "@pulumi/pulumi";
import { type Observation, observe } from "./observe";
import { SshError, type SshTarget } from "./ssh";

/** How much depends on a look at the host: see `observe` in docs/config.md. */
export type ObserveMode = "auto" | "required" | "warn" | "off";

export interface WatchedHost {
  readonly name: string;
  readonly mode: ObserveMode;
  readonly target: SshTarget;
}

/** What the environment makes of `auto`: a CI run that nobody watches must not be green by accident. */
export function settledMode(mode: ObserveMode, environment: NodeJS.ProcessEnv = process.env): ObserveMode {
  const { CI = "" } = environment;
  if (mode !== "auto") return mode;
  return CI === "" || CI === "false" || CI === "0" ? "warn" : "required";
}

/**
 * Looks at all hosts side by side, each once. A host that is not looked at has no observation.
 * @param privateKey for where there is no ssh-agent
 * @throws pulumi.RunError naming every host that had to be seen and was not, and how to go on
 */
export async function observeHosts(
  hosts: readonly WatchedHost[],
  privateKey?: pulumi.Output<string>,
): Promise<ReadonlyMap<string, Observation>> {
  const seen = new Map<string, Observation>();
  const key = privateKey === undefined ? {} : { privateKey: await plain(privateKey) };
  const problems: string[] = [];
  await Promise.all(
    hosts.map(async ({ name, mode, target }) => {
      const settled = settledMode(mode);
      if (settled === "off") return;
      const at = `host ${name} (${target.user}@${target.address}:${target.port})`;
      try {
        const observation = await observe({ ...target, ...key });
        if (observation.kind !== "unknown") seen.set(name, observation);
        else if (settled === "required") problems.push(`${at}: ${observation.reason}\n    ${unseen(target)}`);
        else
          void pulumi.log.warn(
            `${at} could not be looked at, so that its drift is unknown: ${observation.reason}`,
          );
      } catch (error) {
        if (!(error instanceof SshError)) throw error;
        problems.push(`${at}: ${error.message}\n    ${refused(error.message, target)}`);
      }
    }),
  );
  if (problems.length > 0) throw observationError(problems.sort());
  return seen;
}

/** A value of the configuration is known in every run. */
function plain(value: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => value.apply(resolve));
}

function unseen({ port, user, address }: SshTarget): string {
  const ssh = `ssh ${port === 22 ? "" : `-p ${port} `}${user}@${address} ai-resource-manager status --json`;
  return `try: ${ssh}\n    to go on without: pulumi config set goblin-host:observe warn (allowed: required, warn, off, auto)`;
}

function refused(message: string, { address }: SshTarget): string {
  if (/host key/.test(message)) {
    return `either it is another machine, or it was reinstalled: compare ssh-keyscan -t ed25519 ${address} with the provider's console, then set hostKey`;
  }
  return "load the key that it accepts (ssh-add KEY; ssh-add -l lists them), or set goblin-host:privateKey as a secret";
}

function observationError(problems: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError(`the hosts could not be looked at:\n\n  ${problems.join("\n  ")}\n`);
  // With a stack the engine inspects the whole program (see config.ts).
  delete error.stack;
  return error;
}
