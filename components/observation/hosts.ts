import * as pulumi from "@pulumi/pulumi";
import { firstName, type FirstNames } from "../host-bundle/identity";
import { SshError } from "../ssh/failure";
import { runAgent } from "../ssh/agent";
import { location, type SshTarget } from "../ssh/target";
import { managerOn, whenPrinting, whenRefused, whenUnseen } from "./advice";
import { type Observation, observe } from "./observe";
import { explainForeign, foreignBundles, keepComponent, keepHost, type OwnedBundle } from "./owners";

const GO_ON =
  "to go on without: pulumi config set goblin-host:observe warn (allowed: required, warn, off, auto)";

/** How much depends on a look at the host: see `observe` in docs/config.md. */
export type ObserveMode = "auto" | "required" | "warn" | "off";

export interface WatchedHost {
  readonly name: string;
  readonly mode: ObserveMode;
  readonly target: SshTarget;
  /** What will be applied there: where a bundle belongs to somebody else, nothing is declared. Default: not asked. */
  readonly bundles?: readonly OwnedBundle[];
  /** First names of what was renamed, see HostConnection. */
  readonly firstNames?: FirstNames;
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
 * @throws pulumi.RunError naming every host that had to be seen and was not, or holds what belongs to others, and how to go
 * on
 */
export async function observeHosts(
  hosts: readonly WatchedHost[],
  privateKey?: pulumi.Output<string>,
): Promise<ReadonlyMap<string, Observation>> {
  const seen = new Map<string, Observation>();
  const problems: string[] = [];
  const claims: string[] = [];
  const printing: string[] = [];
  const looking = hosts.filter(({ mode }) => settledMode(mode) !== "off");
  const agent =
    privateKey === undefined || looking.length === 0
      ? {}
      : { agent: await runAgent(await plain(privateKey)) };
  if (looking.length > 0) {
    const names = looking.map(({ name }) => name).join(", ");
    void pulumi.log.info(`looking at ${names}`, undefined, undefined, true);
  }
  await Promise.all(
    looking.map(async (host) => {
      const { name, mode, target } = host;
      const at = `host ${name} (${location(target)})`;
      try {
        const observation = await observe({ ...target, ...agent });
        if (observation.kind !== "unknown") {
          seen.set(name, observation);
          const { preamble } = observation;
          if (preamble !== undefined) printing.push(`${at}: ${whenPrinting(preamble, target)}`);
          claims.push(...claimOf(host, at, observation));
        } else if (settledMode(mode) === "required")
          problems.push(`${at}: ${observation.reason}\n    ${whenUnseen(target)}\n    ${GO_ON}`);
        else
          void pulumi.log.warn(
            `${at} could not be looked at, so that its drift is unknown: ${observation.reason}`,
          );
      } catch (error) {
        if (!(error instanceof SshError)) throw error;
        const hasOther = error.kind === "login" || error.kind === "too many keys";
        const secret =
          hasOther && privateKey === undefined ? ", or set goblin-host:privateKey as a secret" : "";
        problems.push(`${at}: ${error.message}\n    ${whenRefused(error, { ...target, ...agent })}${secret}`);
      }
    }),
  );
  const told = [
    ...paragraph("the hosts could not be looked at", problems),
    ...paragraph("what a shell prints would break the deployment; nothing was changed", printing),
    ...paragraph("what is on the hosts belongs to others; nothing was changed", claims),
  ];
  if (told.length > 0) throw observationError(told.join("\n"));
  return seen;
}

function claimOf(
  { name, target, bundles = [], firstNames }: WatchedHost,
  at: string,
  observation: Observation,
): string[] {
  const foreign = foreignBundles(observation, bundles);
  const keep = keepHost(name, firstName(name, firstNames), foreign) ?? keepComponent(foreign);
  const problem = explainForeign(at, foreign, keep, managerOn(target));
  return problem === undefined ? [] : [problem];
}

function paragraph(title: string, problems: readonly string[]): string[] {
  return problems.length === 0 ? [] : [`${title}:\n\n  ${[...problems].sort().join("\n  ")}\n`];
}

/** A value of the configuration is known in every run. */
function plain(value: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => value.apply(resolve));
}

function observationError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  // With a stack the engine inspects the whole program (see config.ts).
  delete error.stack;
  return error;
}
