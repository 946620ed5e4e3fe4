/** Which resources a run is about, as `--target` and `--target-dependents` say it: the others stay as they are. */

import type { ResourceState } from "./state";
import type { EngineOptions } from "./types";

export class Targets {
  private readonly patterns: readonly RegExp[] | undefined;
  /** The URNs of those that the run has been found to be about. */
  private readonly taken = new Set<string>();

  constructor(private readonly options: Pick<EngineOptions, "targets" | "targetDependents">) {
    this.patterns = options.targets?.map(compile);
  }

  /** A component takes neither its children along nor, without `targetDependents`, what depends on it. */
  includes(resource: ResourceState): boolean {
    if (this.patterns === undefined) return true;
    const isNamed = this.patterns.some((pattern) => pattern.test(resource.urn));
    if (!isNamed && !(this.options.targetDependents === true && this.dependsOnTaken(resource))) return false;
    this.taken.add(resource.urn);
    return true;
  }

  private dependsOnTaken({ parent, dependencies, propertyDependencies, provider }: ResourceState): boolean {
    const needed = [parent, ...dependencies, ...Object.values(propertyDependencies).flat()];
    return [...needed, provider.replace(/::[^:]*$/, "")].some((urn) => this.taken.has(urn));
  }
}

/** `*` is any text without a colon, `**` any text. */
function compile(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*\*|\*/g, (stars) => (stars === "**" ? ".*" : "[^:]*"))}$`);
}
