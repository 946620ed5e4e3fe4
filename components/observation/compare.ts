import type { SentBundle } from "../host-bundle/sent";
import { isCredentials } from "../credentials/render";
import { MONITOR_CREDENTIALS } from "../monitor-credentials/render";
import { PROMETHEUS_CREDENTIALS } from "../prometheus-stack/receiver";
import { formatFinding, versionDrift } from "./drift";
import type { HostStatus } from "./status";

const ANOTHER = "the host holds another version than this stack declares";

/** One bundle of a host, held against what is declared. */
export interface BundleState {
  readonly bundle: string;
  /** In which way it differs, a line each; none: in sync. */
  readonly drift: readonly string[];
  /** SHA-256 of the declared bundle's text; undefined when it is not declared, or a secret, which could be guessed from it. */
  readonly declared: string | undefined;
  /** The same of what was last applied there; undefined when it is not there, or a secret. */
  readonly found: string | undefined;
  /** How often it was applied; 0 when it is not there. */
  readonly generation: number;
}

/**
 * Every declared bundle in its order, then what the host has beside them. Of a secret bundle it is not known here what
 * is in it: that the host holds another version of it is for `pulumi preview` to say.
 * @param status undefined for a host without a manager
 */
export function compareHost(
  declared: readonly Pick<SentBundle, "name" | "digest" | "owner" | "secret">[],
  status: HostStatus | undefined,
): BundleState[] {
  const onHost = status?.bundles ?? [];
  const states = declared.map((sent): BundleState => {
    const { name, owner, secret } = sent;
    const digest = secret ? undefined : sent.digest;
    const found = onHost.find((bundle) => bundle.name === name);
    if (found === undefined) {
      const drift = [status === undefined ? "the host has no manager" : "not on the host"];
      return { bundle: name, drift, declared: digest, found: undefined, generation: 0 };
    }
    const isForeign = found.owner !== "" && found.owner !== owner;
    return {
      bundle: name,
      drift: [
        ...found.findings.map(formatFinding),
        ...(isForeign ? [`it belongs to ${found.owner}, and this stack declares it as ${owner}`] : []),
        ...versionDrift(found, { name, digest }, ANOTHER),
      ],
      declared: digest,
      found: secret ? undefined : found.digest,
      generation: found.generation,
    };
  });
  const names = new Set(declared.map(({ name }) => name));
  const surplus = onHost
    .filter(({ name }) => !names.has(name))
    .map(({ name, digest, generation }): BundleState => {
      const drift = ["this stack does not declare it"];
      const found = isSecret(name) ? undefined : digest;
      return { bundle: name, drift, declared: undefined, found, generation };
    });
  return [...states, ...surplus];
}

/** Of what is not declared, too: from a digest a short secret could be guessed. */
function isSecret(bundle: string): boolean {
  return isCredentials(bundle) || bundle === MONITOR_CREDENTIALS || bundle === PROMETHEUS_CREDENTIALS;
}
