/** One run of the engine: turns what the program registers into operations, and deletes what it no longer names. */

import { Aliases } from "./aliases";
import type { Diff } from "./diff";
import { Cancelled, Executor, type Run } from "./executor";
import { STACK_TYPE, type Goal } from "./goal";
import { deletionOrder, requirementsOf } from "./graph";
import { parsePath, resetPath } from "./paths";
import { diffResource, replace } from "./replacement";
import type { ResourceState } from "./state";
import { Targets } from "./targets";
import type { PropertyMap } from "./values";

export class Deployment {
  readonly executor: Executor;
  private readonly seen = new Set<string>();
  private readonly aliases: Aliases;
  private stackOutputs: { urn: string; outputs: PropertyMap } | undefined;

  constructor(
    private readonly run: Run,
    private readonly targets: Targets = new Targets({}),
  ) {
    this.executor = new Executor(run);
    this.aliases = new Aliases(run.state);
  }

  /** Serves one registration. Throws {@link Cancelled} when the run has failed, here or elsewhere. */
  async register(goal: Goal): Promise<ResourceState> {
    if (this.executor.isCancelled()) throw new Cancelled();
    if (this.seen.has(goal.urn)) {
      this.reject(goal, `Duplicate resource URN '${goal.urn}'; try giving it a unique name`);
    }
    const found = this.aliases.take(goal, this.seen);
    if (typeof found === "string") this.reject(goal, found);
    this.seen.add(goal.urn);
    goal.retainOnDelete ??= this.run.state.resources.get(goal.parent)?.retainOnDelete;
    if (found !== undefined) keepIgnored(goal, found);
    try {
      this.check(goal);
      const state = await this.apply(goal, found);
      if (this.executor.isCancelled()) throw new Cancelled();
      return state;
    } catch (error) {
      this.aliases.putBack(goal, found);
      throw error;
    }
  }

  registerOutputs(urn: string, outputs: PropertyMap): void {
    const state = this.run.state.resources.get(urn);
    if (state?.type === STACK_TYPE) this.stackOutputs = { urn, outputs };
    else if (state !== undefined) {
      state.outputs = outputs;
      this.run.save();
    }
  }

  /** The program has ended well: deletes what it did not register. */
  async finish(): Promise<void> {
    await this.executor.idle();
    if (this.executor.isCancelled()) return;
    const { state } = this.run;
    const unseen = [...state.resources.values()].filter(
      (resource) => !this.seen.has(resource.urn) && this.targets.includes(resource),
    );
    for (const old of unseen.filter((resource) => resource.pendingReplacement))
      state.resources.delete(old.urn);
    const condemned = [...state.pendingDeletes, ...unseen.filter((resource) => !resource.pendingReplacement)];
    const kept = new Set<string>();
    for (const group of deletionOrder(condemned)) {
      const free = group.filter(({ urn }) => !kept.has(urn));
      await Promise.allSettled(free.map((old) => this.deleteOld(old, condemned, kept)));
      if (this.executor.isCancelled()) return;
    }
  }

  /** Settles the stack's outputs: after a failure old ones stay, as what is missing may only not have been reached. */
  finalize(): PropertyMap {
    const { state, report } = this.run;
    if (this.aliases.settle()) this.run.save();
    const stack = [...state.resources.values()].find(({ type }) => type === STACK_TYPE);
    if (stack === undefined) return {};
    if (this.stackOutputs !== undefined) {
      stack.outputs = { ...(report.failed && stack.outputs), ...this.stackOutputs.outputs };
      this.run.save();
    }
    return stack.outputs;
  }

  private check(goal: Goal): void {
    if (!goal.custom) return;
    try {
      const checked = this.run.providers.of(goal.type).check?.(goal.inputs, goal.type);
      if (checked === undefined) return;
      goal.inputs = checked.inputs;
      const [failure] = checked.failures;
      if (failure === undefined) return;
      const where = `${goal.type} resource '${goal.name}': property ${failure.property}`;
      this.reject(goal, `${where} has a problem: ${failure.reason}`);
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      this.reject(goal, (error as Error).message);
    }
  }

  private reject(goal: Goal, message: string): never {
    this.run.report.fail(message, goal.urn);
    this.executor.cancel();
    throw new Cancelled();
  }

  private apply(goal: Goal, old: ResourceState | undefined): Promise<ResourceState> {
    if (!this.targets.includes(goal) && goal.type !== STACK_TYPE) return this.leave(goal, old);
    if (old === undefined) return this.executor.create(goal, "create");
    const diff = diffResource(this.run.providers, old, goal.inputs, goal.replaceOnChanges);
    const replaces = diff.properties.some((property) => property.replace);
    if (replaces || old.pendingReplacement === true) return this.replace(goal, old, diff);
    const isHalfDone = (old.initErrors ?? []).length > 0;
    return diff.properties.length > 0 || isHalfDone
      ? this.executor.update(goal, old, diff)
      : this.executor.same(goal, old);
  }

  /** What is not targeted stays as the state has it. */
  private leave(goal: Goal, old: ResourceState | undefined): Promise<ResourceState> {
    if (old === undefined) this.reject(goal, "the local engine does not serve a new resource beside targets");
    return this.executor.same({ ...goal, inputs: old.inputs }, old);
  }

  private replace(goal: Goal, old: ResourceState, diff: Diff): Promise<ResourceState> {
    if (goal.protect && old.protect) {
      this.reject(goal, `unable to replace resource "${goal.urn}" as it is currently marked for protection`);
    }
    return replace({ run: this.run, executor: this.executor, seen: this.seen }, goal, old, diff);
  }

  private async deleteOld(old: ResourceState, condemned: ResourceState[], kept: Set<string>): Promise<void> {
    const { state, report } = this.run;
    const isReplaced = state.pendingDeletes.includes(old);
    if (old.protect && !isReplaced) {
      report.fail(`resource "${old.urn}" cannot be deleted because it is protected`, old.urn);
      this.executor.operationFailed = true;
      for (const urn of requirementsOf(old, condemned)) kept.add(urn);
      return;
    }
    const forget = (): void => {
      if (isReplaced) state.pendingDeletes.splice(state.pendingDeletes.indexOf(old), 1);
      else state.resources.delete(old.urn);
    };
    const goesWith = condemned.some(({ urn }) => urn === old.deletedWith);
    await this.executor.delete(old, isReplaced ? "delete-replaced" : "delete", forget, goesWith);
  }
}

function keepIgnored(goal: Goal, old: ResourceState): void {
  if (goal.ignoreChanges.length === 0) return;
  goal.inputs = structuredClone(goal.inputs);
  for (const path of goal.ignoreChanges) resetPath(parsePath(path), old.inputs, goal.inputs);
}
