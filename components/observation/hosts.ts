import * as pulumi from "@pulumi/pulumi";
import { location, whenRefused, whenUnseen } from "./advice";
import { type Observation, observe } from "./observe";
import { SshError, type SshTarget } from "./ssh";

const GO_ON =
  "to go on without: pulumi config set goblin-host:observe warn (allowed: required, warn, off, auto)";

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
  const looking = hosts.filter(({ mode }) => settledMode(mode) !== "off");
  if (looking.length > 0) {
    const names = looking.map(({ name }) => name).join(", ");
    void pulumi.log.info(`looking at ${names}`, undefined, undefined, true);
  }
  await Promise.all(
    looking.map(async ({ name, mode, target }) => {
      const at = `host ${name} (${location(target)})`;
      try {
        const observation = await observe({ ...target, ...key });
        if (observation.kind !== "unknown") seen.set(name, observation);
        else if (settledMode(mode) === "required")
          problems.push(`${at}: ${observation.reason}\n    ${whenUnseen(target)}\n    ${GO_ON}`);
        else
          void pulumi.log.warn(
            `${at} could not be looked at, so that its drift is unknown: ${observation.reason}`,
          );
      } catch (error) {
        if (!(error instanceof SshError)) throw error;
        const secret = /host key/.test(error.message) ? "" : ", or set goblin-host:privateKey as a secret";
        problems.push(`${at}: ${error.message}\n    ${whenRefused(error.message, target)}${secret}`);
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

function observationError(problems: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError(`the hosts could not be looked at:\n\n  ${problems.join("\n  ")}\n`);
  // With a stack the engine inspects the whole program (see config.ts).
  delete error.stack;
  return error;
}
