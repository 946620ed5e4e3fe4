import { describe, expect, it } from "vitest";
import { Aliases } from "./aliases";
import type { Goal } from "./goal";
import type { ResourceState } from "./state";

const urn = (name: string, type = "t:i:Child"): string => `urn:pulumi:s::p::t:i:Parent$${type}::${name}`;

function resource(name: string, given: Partial<Goal> = {}): Goal {
  const parent = "urn:pulumi:s::p::t:i:Parent::parent";
  const options = { dependencies: [], propertyDependencies: {}, ignoreChanges: [], replaceOnChanges: [] };
  return {
    ...{ urn: urn(name), type: "t:i:Child", name, custom: true, id: "1", inputs: {}, outputs: {}, parent },
    ...{ provider: "", protect: false, retainOnDelete: undefined, deleteBeforeReplace: undefined },
    ...{ ...options, additionalSecretOutputs: [], aliases: [], beforeCreate: [], ...given },
  };
}

/** A state, and what is done with it. */
function start(...olds: ResourceState[]) {
  const resources = new Map(olds.map((old) => [old.urn, old]));
  return { resources, aliases: new Aliases({ resources, pendingDeletes: [] }) };
}

describe("a resource with an alias", () => {
  it("is the one that the state has under it, if it has none of that name", () => {
    const { aliases, resources } = start(resource("old"), resource("kept"));
    const goal = resource("new", { aliases: [urn("older"), urn("old")] });
    expect(aliases.take(goal, new Set())).toMatchObject({ urn: urn("new"), name: "new" });
    expect(aliases.take(resource("kept", { aliases: [urn("old")] }), new Set())).toMatchObject({
      name: "kept",
    });
    expect([...resources.keys()]).toEqual([urn("kept"), urn("new")]);
  });

  it("is refused what another resource is, or was", () => {
    const { aliases } = start(resource("old"));
    expect(aliases.take(resource("new", { aliases: [urn("old")] }), new Set([urn("old")]))).toBe(
      `Duplicate resource alias '${urn("old")}' applied to resource with URN '${urn("new")}' conflicting with resource with URN '${urn("old")}'`,
    );
    aliases.take(resource("new", { aliases: [urn("old")] }), new Set());
    expect(aliases.take(resource("newer", { aliases: [urn("old")] }), new Set())).toBe(
      `Duplicate resource alias '${urn("old")}' applied to resource with URN '${urn("newer")}' conflicting with resource with URN '${urn("new")}'`,
    );
    expect(aliases.take(resource("old"), new Set())).toBe(
      `Duplicate resource URN '${urn("old")}' conflicting with alias on resource with URN '${urn("new")}'`,
    );
  });

  it("takes those that use it as their provider along", () => {
    const user = resource("user", { provider: `${urn("old")}::1` });
    const { aliases } = start(resource("old"), user);
    aliases.take(resource("new", { aliases: [urn("old")] }), new Set());
    expect(user.provider).toBe(`${urn("new")}::1`);
  });
});

describe("a run that ends half-way", () => {
  const parent = (name: string, type: string): Goal =>
    resource(name, { urn: `urn:pulumi:s::p::${type}::${name}`, type, parent: "" });
  const was = parent("was", "t:i:Parent");
  const now = { ...parent("now", "t:i:Other"), aliases: [was.urn] };
  const child = (of: Goal, name: string): Goal =>
    resource(name, { urn: `urn:pulumi:s::p::${of.type}$t:i:Child::${name}`, parent: of.urn });

  it("leaves what failed and what it did not reach under their names, below the parent of now", () => {
    const { aliases, resources } = start(was, child(was, "was-failed"), child(was, "was-left"));
    aliases.take(now, new Set());
    const failed = aliases.take(child(now, "now-failed"), new Set());
    if (failed === undefined || typeof failed === "string") throw new Error("not found");
    aliases.putBack(child(now, "now-failed"), failed);
    expect(aliases.settle()).toBe(true);
    expect([...resources.keys()].sort()).toEqual([
      "urn:pulumi:s::p::t:i:Other$t:i:Child::was-failed",
      "urn:pulumi:s::p::t:i:Other$t:i:Child::was-left",
      "urn:pulumi:s::p::t:i:Other::now",
    ]);
    // The next run finds them by aliases of their own alone.
    const next = new Aliases({ resources, pendingDeletes: [] });
    expect(next.take(now, new Set())).toMatchObject({ name: "now" });
    expect(next.take(child(now, "now-left"), new Set())).toBeUndefined();
    const named = { ...child(now, "now-failed"), aliases: [child(now, "was-failed").urn] };
    expect(next.take(named, new Set())).toMatchObject({ name: "now-failed" });
  });
});
