import { expect } from "vitest";
import type { EngineResult } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";
import { deploy, ran, tryDeploy } from "./machine";

/** The components whose changes must be confirmed. */
export const CONFIRMED = ["docker", "slices", "swap", "zram"];

/** A plain preview, which looks at the host. */
export const watchedPreview = (vm: Vm, overrides: Record<string, unknown> = {}): Promise<EngineResult> =>
  tryDeploy(vm, "preview", {
    overrides: { ...overrides, "goblin-host:observe": "required" },
    expectNoChanges: true,
  });

/** What the preview shows of each component that drifted: its name, and what was found. */
export async function drifted(
  vm: Vm,
  overrides: Record<string, unknown> = {},
): Promise<Record<string, string>> {
  const result = await watchedPreview(vm, overrides);
  const changed = result.steps.filter(({ op }) => op !== "same");
  expect(changed.map(({ op }) => op)).toEqual(changed.map(() => "update"));
  expect(result.exitCode).toBe(changed.length === 0 ? 0 : 7);
  const component = (name: string): string => name.replace(/^sandbox-|-bundle-(apply|confirm)$/g, "");
  const found = Object.fromEntries(
    changed.map(({ name, diff }) => [
      component(name),
      /# drift: (.*) \(since apply \d+, boot [0-9a-f]{8}\)/.exec(diff)?.[1] ?? diff,
    ]),
  );
  // A repair that could cut the operator off is confirmed like every other change.
  const confirmed = changed
    .filter(({ name }) => name.endsWith("-confirm"))
    .map(({ name }) => component(name));
  expect(confirmed.sort()).toEqual(
    Object.keys(found)
      .filter((name) => CONFIRMED.includes(name))
      .sort(),
  );
  return found;
}

/** Faults that strike different components of a host at once. */
export interface Faults {
  /** In the guest's shell. */
  readonly inject: string;
  /** By component: what the preview must say of it, and nothing of any other. */
  readonly found: Readonly<Record<string, RegExp>>;
}

/** Each fault is found by what it is, `up` repairs what drifted and nothing else, and the next preview is empty. */
export async function expectFoundAndRepaired(vm: Vm, { inject, found }: Faults): Promise<void> {
  await vm.run(inject);
  const told = await drifted(vm);
  expect(Object.keys(told).sort()).toEqual(Object.keys(found).sort());
  for (const [component, finding] of Object.entries(found)) expect(told[component]).toMatch(finding);
  const repaired = await deploy(vm, "up", { overrides: { "goblin-host:observe": "required" } });
  const bundleOf = (component: string): string =>
    ["ollama", "llamacpp", "local-llm-proxy"].includes(component) ? `workload-${component}` : component;
  expect(ran(repaired).sort()).toEqual(Object.keys(found).map(bundleOf).sort());
  expect(await drifted(vm)).toEqual({});
}
