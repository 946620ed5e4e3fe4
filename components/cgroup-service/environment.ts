import { engineVariables } from "./engine-variables";
import { gpuVariables } from "./gpu";
import type { SettledWorkload } from "./workload";

/** A variable that follows from a workload's settings. */
export interface Derived {
  readonly value: string;
  /** What it follows from, for whoever reads the preview or the file on the host. */
  readonly rule: string;
}

export type DerivedVariables = Readonly<Record<string, Derived>>;

/**
 * The variables that follow from a workload's settings, by name, but for those that its owner sets, to whatever value.
 * @param secrets names of its secret variables
 */
export function derivedVariables(
  workload: SettledWorkload,
  secrets: readonly string[] = [],
): DerivedVariables {
  return { ...fixedVariables(workload, secrets), ...limitVariables(workload, secrets) };
}

/** Those of them that change only with what takes a restart anyway: GPUs and the number of threads. */
export function fixedVariables(workload: SettledWorkload, secrets: readonly string[] = []): DerivedVariables {
  return withoutOwners({ ...gpuVariables(workload), ...threadVariables(workload) }, workload, secrets);
}

/** Those that follow from its memory limit, which changes while it runs. */
export function limitVariables(workload: SettledWorkload, secrets: readonly string[] = []): DerivedVariables {
  return withoutOwners(engineVariables(workload), workload, secrets);
}

function withoutOwners(
  variables: DerivedVariables,
  { environment }: SettledWorkload,
  secrets: readonly string[],
): DerivedVariables {
  const isOwners = (name: string): boolean => Object.hasOwn(environment, name) || secrets.includes(name);
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isOwners(name)));
}

/**
 * What llama.cpp, OpenMP and Go read, set to the threads that the CPU limits leave room for. The rule names no limit's
 * value: a service restarts for what stands in its file, and a quota that leaves the threads alone is applied live.
 */
function threadVariables({ threads, cpu }: SettledWorkload): Record<string, Derived> {
  if (threads === undefined) return {};
  const limits = [
    ...(cpu.quota === undefined ? [] : ["cpu.quota"]),
    ...(cpu.cores === undefined ? [] : ["cpu.cores"]),
  ];
  const derived = { value: String(threads), rule: `whole cores of ${limits.join(" and ")}, at least 1` };
  return { GOMAXPROCS: derived, LLAMA_ARG_THREADS: derived, OMP_NUM_THREADS: derived };
}

/** A workload's variables that are no secrets: what follows from its settings, and its owner's. */
export function workloadEnvironment(workload: SettledWorkload): Record<string, string> {
  const derived = Object.entries(derivedVariables(workload)).map(([name, { value }]) => [name, value]);
  return { ...(Object.fromEntries(derived) as Record<string, string>), ...workload.environment };
}

/** What follows, with a line for each rule; undefined where nothing does. */
export function describeDerived(derived: DerivedVariables): string | undefined {
  const byRule = new Map<string, string[]>();
  for (const [name, { value, rule }] of Object.entries(derived))
    byRule.set(rule, [...(byRule.get(rule) ?? []), `${name}=${value}`]);
  if (byRule.size === 0) return undefined;
  const lines = [...byRule].map(([rule, variables]) => `\n  ${variables.join(" ")}: ${rule}`);
  return `derived from its settings; environment overrides each:${lines.sort().join("")}`;
}
