/** What the program asks for: one RegisterResource request, in this engine's terms. */

import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { EngineError } from "./types";
import type { ResourceState } from "./state";
import type { Value } from "./values";

export const STACK_TYPE = "pulumi:pulumi:Stack";

export interface Goal extends ResourceState {
  deleteBeforeReplace: boolean | undefined;
  additionalSecretOutputs: string[];
  /** URNs under which the state may know this resource. */
  aliases: string[];
  /** Names of the hooks that run before it is created. */
  beforeCreate: string[];
}

/** Where the program's resources live. */
export interface StackName {
  project: string;
  stack: string;
}

/** `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`. */
export function makeUrn({ project, stack }: StackName, parent: string, type: string, name: string): string {
  const parentType = parent.split("::")[2] ?? "";
  const qualified = parentType === "" || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

/** The stack's own resource, the parent of all that name none. */
export function stackUrn(where: StackName): string {
  return makeUrn(where, "", STACK_TYPE, `${where.project}-${where.stack}`);
}

export function readGoal(request: RegisterResourceRequest, where: StackName): Goal {
  const type = request.getType();
  const name = request.getName();
  refuseUnserved(request, `${type} ${name}`);
  const isStack = type === STACK_TYPE;
  const parent = request.getParent() || (isStack ? "" : stackUrn(where));
  const propertyDependencies: Record<string, string[]> = {};
  request.getPropertydependenciesMap().forEach((dependencies, property) => {
    const urns = dependencies.getUrnsList();
    if (urns.length > 0) propertyDependencies[property] = urns;
  });
  return {
    urn: makeUrn(where, parent, type, name),
    type,
    name,
    custom: request.getCustom(),
    id: "",
    inputs: request.getObject()?.toJavaScript() ?? {},
    outputs: {},
    parent,
    dependencies: request.getDependenciesList(),
    propertyDependencies,
    provider: request.getProvider(),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
    ...(request.getDeletedwith() !== "" && { deletedWith: request.getDeletedwith() }),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    deleteBeforeReplace: request.getDeletebeforereplacedefined()
      ? request.getDeletebeforereplace()
      : undefined,
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: request.getAliasurnsList(),
    beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
  };
}

/** Options that would change what happens are refused by name rather than passed over in silence. */
function refuseUnserved(request: RegisterResourceRequest, resource: string): void {
  const trigger = request.getReplacementTrigger()?.toJavaScript() as Value | undefined;
  const asked: [string, boolean][] = [
    ["a remote component", request.getRemote()],
    ["import", request.getImportid() !== ""],
    ["replaceWith", request.getReplaceWithList().length > 0],
    ["replacementTrigger", trigger !== undefined && trigger !== null],
    ["transforms", request.getTransformsList().length > 0],
    ["hooks other than beforeCreate", hasOtherHooks(request)],
  ];
  const option = asked.find(([, used]) => used)?.[0];
  if (option !== undefined) throw new EngineError(`${resource}: the local engine does not serve ${option}`);
}

function hasOtherHooks(request: RegisterResourceRequest): boolean {
  const hooks = Object.entries(request.getHooks()?.toObject() ?? {});
  return hooks.some(([kind, names]) => kind !== "beforeCreateList" && names.length > 0);
}

/** The part of a goal that is remembered. */
export function toState(goal: Goal): ResourceState {
  const forgotten: (keyof Goal)[] = [
    "deleteBeforeReplace",
    "additionalSecretOutputs",
    "aliases",
    "beforeCreate",
  ];
  const kept = Object.entries(goal).filter(([key]) => !forgotten.includes(key as keyof Goal));
  return Object.fromEntries(kept) as unknown as ResourceState;
}
