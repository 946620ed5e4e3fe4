/**
 * Resources that the state knows under other names: how pulumi's step generator finds them, and what becomes of their
 * names in the state (pkg/resource/deploy/step_generator.go and snapshot.go, 3.260).
 */

import type { Goal } from "./goal";
import type { ResourceState, State } from "./state";

export class Aliases {
  /** By the URN that a resource has now: the one under which the state knew it. */
  private readonly formerUrns = new Map<string, string>();
  /** The other way round. */
  private readonly presentUrns = new Map<string, string>();
  /** What the state held when the program began. */
  private olds: ReadonlySet<string> | undefined;

  constructor(private readonly state: State) {}

  /**
   * What the state has of a resource, under the URN that it has now.
   * @param seen the URNs that the program has registered
   * @returns a text where two resources claim the same
   */
  take(goal: Goal, seen: ReadonlySet<string>): ResourceState | undefined | string {
    const { resources } = this.state;
    const olds = (this.olds ??= new Set(resources.keys()));
    const claimant = this.presentUrns.get(goal.urn);
    if (claimant !== undefined)
      return `Duplicate resource URN '${goal.urn}' conflicting with alias on resource with URN '${claimant}'`;
    const aliases = [...goal.aliases, ...inheritedAliases(goal, this.formerUrns.get(goal.parent))];
    const urn = [goal.urn, ...aliases].find((name) => olds.has(name)) ?? goal.urn;
    if (urn === goal.urn) return resources.get(urn);
    const other = seen.has(urn) ? urn : this.presentUrns.get(urn);
    if (other !== undefined)
      return `Duplicate resource alias '${urn}' applied to resource with URN '${goal.urn}' conflicting with resource with URN '${other}'`;
    const old = resources.get(urn);
    if (old === undefined) return undefined;
    const moved = this.rename(old, goal);
    for (const user of resources.values())
      if (user.provider.startsWith(`${urn}::`)) user.provider = goal.urn + user.provider.slice(urn.length);
    return moved;
  }

  /** The operation on a resource failed: it keeps its name in the state, below its parents as they are now. */
  putBack(goal: Goal, old: ResourceState | undefined): void {
    const former = this.formerUrns.get(goal.urn);
    if (old === undefined || former === undefined || this.state.resources.get(goal.urn) !== old) return;
    const [type, name] = [typeIn(former), nameIn(former)];
    this.rename(old, { urn: below(goal.urn, goal.type, type, name), type, name, parent: goal.parent });
  }

  /**
   * At the end of a run: what was not reached keeps its name too, below its parents as they are now.
   * @returns whether anything has another name than at its beginning
   */
  settle(): boolean {
    for (const old of [...this.state.resources.values()]) {
      const parent = this.presentUrns.get(old.parent);
      if (parent === undefined) continue;
      const urn = `${parent.slice(0, parent.lastIndexOf("::"))}$${old.type}::${old.name}`;
      this.rename(old, { urn, type: old.type, name: old.name, parent });
    }
    return this.formerUrns.size > 0;
  }

  private rename(
    old: ResourceState,
    to: Pick<ResourceState, "urn" | "type" | "name" | "parent">,
  ): ResourceState {
    const { urn, type, name, parent } = to;
    const renamed = { ...old, urn, type, name, parent };
    this.state.resources.delete(old.urn);
    this.state.resources.set(urn, renamed);
    this.formerUrns.set(urn, old.urn);
    this.presentUrns.set(old.urn, urn);
    return renamed;
  }
}

/**
 * Where a resource, under its own name or one of its aliases, was while its parent was `parent`. The engine infers that
 * for every descendant; the SDK, for an engine that cannot, for children only. A name that begins with the parent's begins
 * with the old one's then. A parent that an earlier run has moved is not remembered: its children must name their aliases.
 */
function inheritedAliases(goal: Goal, parent: string | undefined): string[] {
  if (parent === undefined) return [];
  const [now, was] = [nameIn(goal.parent), nameIn(parent)];
  return [goal.urn, ...goal.aliases].map((urn) => {
    const name = nameIn(urn);
    const former = name.startsWith(now) ? was + name.slice(now.length) : name;
    return `${parent.slice(0, parent.lastIndexOf("::"))}$${typeIn(urn)}::${former}`;
  });
}

const nameIn = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);
const typeIn = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";

/** The URN of a sibling. */
function below(urn: string, ownType: string, type: string, name: string): string {
  return `${urn.slice(0, urn.lastIndexOf("::") - ownType.length)}${type}::${name}`;
}
