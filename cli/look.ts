import type { ConfiguredHost } from "../components/goblin-host/stack";
import { targetOf } from "../components/goblin-host/target";
import { whenRefused, whenUnseen } from "../components/observation/advice";
import { type Observation, observe } from "../components/observation/observe";
import { SshError } from "../components/ssh/failure";
import { location } from "../components/ssh/target";

/** One host of the stack, and what a look at it came to. */
export interface LookedAt {
  readonly host: ConfiguredHost;
  readonly at: string;
  readonly observation: Observation;
  /** What to do where nobody knows. */
  readonly advice: string;
}

/** Looks at all hosts side by side. Whatever keeps one from being seen makes it unknown. */
export function lookAt(hosts: readonly ConfiguredHost[]): Promise<LookedAt[]> {
  if (process.stderr.isTTY) {
    const names = hosts.map(({ name }) => name).join(", ");
    process.stderr.write(`looking at ${names} ...\n`);
  }
  return Promise.all(
    hosts.map(async (host) => {
      const target = targetOf(host.settings);
      const at = location(target);
      try {
        return { host, at, observation: await observe(target), advice: whenUnseen(target) };
      } catch (error) {
        if (!(error instanceof SshError)) throw error;
        const observation = { kind: "unknown" as const, reason: error.message };
        return { host, at, observation, advice: whenRefused(error, target) };
      }
    }),
  );
}
