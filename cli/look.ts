import type { ConfiguredHost } from "../components/goblin-host/stack";
import { watchedHost } from "../components/goblin-host/watched";
import { type Observation, observe } from "../components/observation/observe";

/** One host of the stack, and what a look at it came to. */
export interface LookedAt {
  readonly host: ConfiguredHost;
  /** `root@203.0.113.10`, with the port where it is not 22. */
  readonly at: string;
  readonly observation: Observation;
}

/** Looks at all hosts side by side. Whatever keeps one from being seen makes it unknown. */
export function lookAt(hosts: readonly ConfiguredHost[]): Promise<LookedAt[]> {
  if (process.stderr.isTTY) {
    const names = hosts.map(({ name }) => name).join(", ");
    process.stderr.write(`looking at ${names} ...\n`);
  }
  return Promise.all(
    hosts.map(async (host) => {
      const { target } = watchedHost(host.name, host.settings);
      const at = `${target.user}@${target.address}${target.port === 22 ? "" : `:${target.port}`}`;
      try {
        return { host, at, observation: await observe(target) };
      } catch (error) {
        return { host, at, observation: { kind: "unknown", reason: (error as Error).message } };
      }
    }),
  );
}
