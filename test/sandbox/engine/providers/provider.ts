/** What the local engine asks of a provider: the part of Pulumi's provider protocol that this project uses. */

import type { Diff } from "../diff";
import type { ResourceState } from "../state";
import type { Severity } from "../types";
import type { PropertyMap } from "../values";

/** What every operation knows of its resource and of the run. */
export interface Operation {
  urn: string;
  name: string;
  type: string;
  /** A preview: change nothing, and say what is not known yet with UNKNOWN. */
  dryRun: boolean;
  /** The inputs of the explicit provider resource; empty for the default provider. */
  providerInputs: PropertyMap;
  env: NodeJS.ProcessEnv;
  /** The folder the program runs in, from which relative paths start. */
  cwd: string;
  /** A message shown with the resource. */
  log(severity: Severity, message: string): void;
  /** Records a text executed on a host. */
  ran(text: string): void;
}

export interface CheckFailure {
  property: string;
  reason: string;
}

/**
 * What failed has left something behind that belongs into the state: the resource as far as it has come. The engine's
 * next run takes it from there with an update.
 */
export class PartialFailure extends Error {
  override name = "PartialFailure";

  constructor(
    message: string,
    readonly id: string,
    readonly outputs: PropertyMap,
  ) {
    super(message);
  }
}

/**
 * One provider serves one or more resource types. Values keep their secret marks (see values.ts); an operation that
 * throws has failed, and leaves the state as it was unless it throws a {@link PartialFailure}.
 */
export interface Provider {
  /** Fills in defaults and marks secrets. */
  check?(inputs: PropertyMap, type: string): { inputs: PropertyMap; failures: CheckFailure[] };
  diff(old: ResourceState, inputs: PropertyMap): Diff;
  create(operation: Operation, inputs: PropertyMap): Promise<{ id: string; outputs: PropertyMap }>;
  update(operation: Operation, old: ResourceState, inputs: PropertyMap): Promise<PropertyMap>;
  delete(operation: Operation, old: ResourceState): Promise<void>;
  /** The resource as it is now, undefined when it is gone. For providers that can see drift. */
  read?(operation: Operation, old: ResourceState): Promise<ResourceState | undefined>;
  /** Called once, when the run ends. */
  close?(): void;
}
