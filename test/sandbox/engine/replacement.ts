/** Replacing a resource: what forces it, in which order, and what goes down with it. */

import { applyReplaceOnChanges, diffInputs, type Diff } from "./diff";
import type { Executor, Run } from "./executor";
import type { Goal } from "./goal";
import { dependentsOf } from "./graph";
import type { Providers } from "./providers/registry";
import type { ResourceState } from "./state";
import { UNKNOWN, type PropertyMap } from "./values";

interface Context {
  run: Run;
  executor: Executor;
  /** The URNs that the program has registered so far. */
  seen: ReadonlySet<string>;
}

/** What a resource's provider, and its `replaceOnChanges`, say of new inputs. */
export function diffResource(
  providers: Providers,
  old: ResourceState,
  inputs: PropertyMap,
  replaceOnChanges: string[],
): Diff {
  if (!old.custom) return diffInputs(old.inputs, inputs);
  return applyReplaceOnChanges(providers.of(old.type).diff(old, inputs), replaceOnChanges);
}

/** Creates first and leaves the old one to be deleted at the end, or deletes first where that is asked for. */
export async function replace(
  context: Context,
  goal: Goal,
  old: ResourceState,
  diff: Diff,
): Promise<ResourceState> {
  const { run, executor } = context;
  if (goal.deleteBeforeReplace ?? diff.deleteBeforeReplace ?? false) {
    if (old.pendingReplacement !== true) await deleteForReplacement(context, old);
    executor.replace(goal, old, diff);
    return executor.create(goal, "create-replacement");
  }
  const state = await executor.create(goal, "create-replacement");
  if (old.pendingReplacement !== true) run.state.pendingDeletes.push(old);
  run.save();
  executor.replace(goal, old, diff);
  return state;
}

/** Deletes a resource, and before it the dependents that its replacement replaces too. */
async function deleteForReplacement({ run, executor, seen }: Context, old: ResourceState): Promise<void> {
  const { resources } = run.state;
  const replaced = new Set([old.urn]);
  const doomed = dependentsOf(old, [...resources.values()]).filter((dependent) => {
    if (seen.has(dependent.urn) || dependent.pendingReplacement === true) return false;
    const isReplaced = isReplacedWith(run.providers, dependent, replaced);
    if (isReplaced) replaced.add(dependent.urn);
    return isReplaced;
  });
  for (const resource of [...doomed.reverse(), old]) {
    await executor.delete(resource, "delete-replaced", () => {
      resources.set(resource.urn, { ...resource, pendingReplacement: true });
    });
  }
}

/** Whether a dependent must be replaced too, judged with all that it takes from the replaced ones unknown. */
function isReplacedWith(
  providers: Providers,
  dependent: ResourceState,
  replaced: ReadonlySet<string>,
): boolean {
  if (!dependent.custom) return false;
  if (replaced.has(dependent.provider.replace(/::[^:]*$/, ""))) return true;
  const unknown = Object.entries(dependent.propertyDependencies)
    .filter(([property, urns]) => property in dependent.inputs && urns.some((urn) => replaced.has(urn)))
    .map(([property]): [string, string] => [property, UNKNOWN]);
  if (unknown.length === 0) return false;
  const inputs = { ...dependent.inputs, ...Object.fromEntries(unknown) };
  const { properties } = diffResource(providers, dependent, inputs, dependent.replaceOnChanges);
  return properties.some((property) => property.replace);
}
