/** The order of deletions: dependents first, and what does not depend on one another together. */

import type { ResourceState } from "./state";

/** What a resource needs: its parent, its dependencies, its explicit provider. */
function needs(resource: ResourceState): string[] {
  const provider = resource.provider === "" ? [] : [resource.provider.replace(/::[^:]*$/, "")];
  return [
    resource.parent,
    ...resource.dependencies,
    ...Object.values(resource.propertyDependencies).flat(),
    ...provider,
  ];
}

/** Groups to be deleted one after the other; the members of a group, at the same time. */
export function deletionOrder(condemned: readonly ResourceState[]): ResourceState[][] {
  const groups: ResourceState[][] = [];
  let left = [...condemned];
  while (left.length > 0) {
    const urns = new Set(left.map((resource) => resource.urn));
    const free = left.filter(
      (resource) => !needs(resource).some((urn) => urn !== resource.urn && urns.has(urn)),
    );
    // A cycle cannot be registered; should a state hold one all the same, it goes in one group.
    const group = free.length > 0 ? free : left;
    groups.unshift(group);
    left = left.filter((resource) => !group.includes(resource));
  }
  return groups;
}

/** The URNs that a resource needs, directly or through others. */
export function requirementsOf(resource: ResourceState, all: readonly ResourceState[]): Set<string> {
  const found = new Set<string>();
  const visit = (urns: string[]): void => {
    for (const urn of urns) {
      if (urn === "" || found.has(urn)) continue;
      found.add(urn);
      visit(all.filter((other) => other.urn === urn).flatMap(needs));
    }
  };
  visit(needs(resource));
  return found;
}

/** Everything that depends on a resource, nearest first. */
export function dependentsOf(root: ResourceState, all: readonly ResourceState[]): ResourceState[] {
  const dependents = all.filter((other) => other !== root && requirementsOf(other, all).has(root.urn));
  return deletionOrder(dependents).reverse().flat();
}
