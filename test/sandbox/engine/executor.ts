/** Carries out operations on resources through their providers, reports them and keeps the state up to date. */

import { describe } from "./describe";
import { toState, type Goal } from "./goal";
import type { Diff } from "./diff";
import type { Hooks } from "./hooks";
import { PartialFailure, type Operation } from "./providers/provider";
import type { Providers } from "./providers/registry";
import type { Report } from "./report";
import type { ResourceState, State } from "./state";
import type { Op } from "./types";
import { isSecret, secret, type PropertyMap } from "./values";

/** What one run works with. */
export interface Run {
  state: State;
  /** Called after each change of the state; does nothing in a preview. */
  save(): void;
  providers: Providers;
  report: Report;
  hooks: Hooks;
  dryRun: boolean;
  env: NodeJS.ProcessEnv;
  /** Where the program runs. */
  cwd: string;
}

/** The run has failed elsewhere or here: nothing new is begun, and the program hears that the engine has gone. */
export class Cancelled extends Error {
  override name = "Cancelled";
}

export class Executor {
  /** An operation failed, as opposed to the program or the engine itself. */
  operationFailed = false;
  readonly whenCancelled: Promise<void>;
  private cancelled = false;
  private settleCancelled: () => void = () => undefined;
  private readonly inFlight = new Set<Promise<unknown>>();

  constructor(private readonly run: Run) {
    this.whenCancelled = new Promise((resolve) => {
      this.settleCancelled = resolve;
    });
  }

  isCancelled(): boolean {
    return this.cancelled;
  }

  /** Begins nothing new from here on. */
  cancel(): void {
    this.cancelled = true;
    this.settleCancelled();
  }

  /** Waits for operations that have begun: a failure elsewhere does not stop them. */
  async idle(): Promise<void> {
    while (this.inFlight.size > 0) await Promise.allSettled(this.inFlight);
  }

  create(goal: Goal, op: "create" | "create-replacement"): Promise<ResourceState> {
    return this.perform(op, goal, "", async (operation) => {
      for (const hook of goal.beforeCreate) await this.run.hooks.call(hook, goal, this.run.dryRun);
      if (!goal.custom) return this.remember(goal, "", {});
      const creation = this.run.providers.of(goal.type).create(operation, goal.inputs);
      const { id, outputs } = await this.keepPartial(goal, creation);
      return this.remember(goal, id, outputs);
    });
  }

  update(goal: Goal, old: ResourceState, diff: Diff): Promise<ResourceState> {
    return this.perform("update", goal, textOf(diff, goal, old), async (operation) => {
      if (!goal.custom) return this.remember(goal, old.id, old.outputs);
      const change = this.run.providers.of(goal.type).update(operation, old, goal.inputs);
      const outputs = await this.keepPartial(goal, change);
      return this.remember(goal, old.id, outputs);
    });
  }

  same(goal: Goal, old: ResourceState): Promise<ResourceState> {
    return this.perform("same", goal, "", () => Promise.resolve(this.remember(goal, old.id, old.outputs)));
  }

  /** Notes that a resource is replaced; the work is in the operations around it. */
  replace(goal: Goal, old: ResourceState, diff: Diff): void {
    const { urn, type, name } = goal;
    this.run.report.step({ op: "replace", urn, type, name, diff: textOf(diff, goal, old), ran: [] });
  }

  /** Looks at a resource as it is now; undefined when it is gone, or its provider cannot look. */
  async read(old: ResourceState): Promise<ResourceState | undefined> {
    const provider = this.run.providers.of(old.type);
    if (provider.read === undefined) return old;
    return provider.read(this.operation(old, []), old);
  }

  /**
   * Deletes a resource; `forget` takes it out of the state afterwards.
   * @param goesWith whether its provider has nothing to do, because it is gone with another that is deleted
   */
  delete(
    old: ResourceState,
    op: "delete" | "delete-replaced",
    forget: () => void,
    goesWith = false,
  ): Promise<void> {
    return this.perform(op, old, "", async (operation) => {
      if (old.custom && old.retainOnDelete !== true && !goesWith && !this.run.dryRun) {
        await this.run.providers.of(old.type).delete(operation, old);
      }
      forget();
      this.run.save();
    });
  }

  private async keepPartial<T>(goal: Goal, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof PartialFailure) {
        const state = this.remember(goal, error.id, error.outputs);
        state.initErrors = [error.message];
        this.run.save();
      }
      throw error;
    }
  }

  private operation(resource: ResourceState, ran: string[]): Operation {
    const { report, dryRun, env, cwd } = this.run;
    const { urn, type, name } = resource;
    return {
      urn,
      type,
      name,
      dryRun,
      env,
      cwd,
      providerInputs: this.run.state.resources.get(resource.provider.replace(/::[^:]*$/, ""))?.inputs ?? {},
      log: (severity, message) => {
        report.diagnostic(severity, message, urn);
      },
      ran: (text) => {
        ran.push(text);
      },
    };
  }

  private remember(goal: Goal, id: string, outputs: PropertyMap): ResourceState {
    const state = { ...toState(goal), id, outputs: sealOutputs(goal, outputs) };
    this.run.state.resources.set(goal.urn, state);
    this.run.save();
    return state;
  }

  private async perform<T>(
    op: Op,
    resource: ResourceState,
    diff: string,
    action: (operation: Operation) => Promise<T>,
  ): Promise<T> {
    if (this.cancelled) throw new Cancelled();
    const { report } = this.run;
    const { urn, type, name } = resource;
    const ran: string[] = [];
    report.emit({ type: "start", op, urn, name });
    const work = action(this.operation(resource, ran));
    this.inFlight.add(work);
    try {
      const result = await work;
      report.step({ op, urn, type, name, diff, ran });
      return result;
    } catch (error) {
      report.step({ op, urn, type, name, diff, ran, failed: true });
      report.fail(error instanceof Error ? error.message : String(error), urn);
      this.operationFailed = true;
      this.cancel();
      throw new Cancelled();
    } finally {
      this.inFlight.delete(work);
    }
  }
}

/** The text of a change. */
function textOf(diff: Diff, goal: Goal, old: ResourceState): string {
  const { before, after } = diff.shown ?? { before: old.inputs, after: goal.inputs };
  return describe(before, after);
}

/** Marks as secret what the program asked for, and every output whose input of the same name is one. */
function sealOutputs(goal: Goal, outputs: PropertyMap): PropertyMap {
  const entries = Object.entries(outputs).map(([key, value]): [string, PropertyMap[string]] => {
    const isHidden = isSecret(goal.inputs[key]) || goal.additionalSecretOutputs.includes(key);
    return [key, isHidden ? secret(value) : value];
  });
  return Object.fromEntries(entries);
}
