import { formatFinding, type ComparedBundle } from "./drift";
import type { HostStatus } from "./status";

/** One bundle of a host, held against what is declared. */
export interface BundleState {
  readonly bundle: string;
  /** In which way it differs, a line each; none: in sync. */
  readonly drift: readonly string[];
  /** SHA-256 of the declared bundle's text; undefined when it is not declared. */
  readonly declared: string | undefined;
  /** The same of what was last applied there; undefined when it is not there. */
  readonly found: string | undefined;
  /** How often it was applied; 0 when it is not there. */
  readonly generation: number;
}

/**
 * Every declared bundle in its order, then what the host has beside them.
 * @param status undefined for a host without a manager
 */
export function compareHost(
  declared: readonly ComparedBundle[],
  status: HostStatus | undefined,
): BundleState[] {
  const onHost = status?.bundles ?? [];
  const states = declared.map(({ name, digest }): BundleState => {
    const found = onHost.find((bundle) => bundle.name === name);
    if (found === undefined) {
      const drift = [status === undefined ? "the host has no manager" : "not on the host"];
      return { bundle: name, drift, declared: digest, found: undefined, generation: 0 };
    }
    const another =
      found.digest === digest ? [] : ["the host holds another version than this stack declares"];
    return {
      bundle: name,
      drift: [...found.findings.map(formatFinding), ...another],
      declared: digest,
      found: found.digest,
      generation: found.generation,
    };
  });
  const names = new Set(declared.map(({ name }) => name));
  const surplus = onHost
    .filter(({ name }) => !names.has(name))
    .map(({ name, digest, generation }): BundleState => {
      const drift = ["this stack does not declare it"];
      return { bundle: name, drift, declared: undefined, found: digest, generation };
    });
  return [...states, ...surplus];
}
