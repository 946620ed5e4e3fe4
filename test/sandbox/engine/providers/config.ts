/** Explicit providers (`new docker.Provider(...)`): their inputs are the configuration of the resources using them. */

import { randomUUID } from "node:crypto";
import { diffInputs, type Diff } from "../diff";
import type { ResourceState } from "../state";
import { UNKNOWN, type PropertyMap } from "../values";
import type { Operation, Provider } from "./provider";

export class ConfigProvider implements Provider {
  diff(old: ResourceState, inputs: PropertyMap): Diff {
    return diffInputs(old.inputs, inputs);
  }

  create(operation: Operation, inputs: PropertyMap): Promise<{ id: string; outputs: PropertyMap }> {
    return Promise.resolve({ id: operation.dryRun ? UNKNOWN : randomUUID(), outputs: inputs });
  }

  update(_: Operation, __: ResourceState, inputs: PropertyMap): Promise<PropertyMap> {
    return Promise.resolve(inputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}
