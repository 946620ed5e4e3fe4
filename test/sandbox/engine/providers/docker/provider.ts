/**
 * The docker provider, as @pulumi/docker 5.2.0 behaves: what differs is judged against what was last read from the
 * host, some changes replace, some are carried out in place, and some are noted without being carried out.
 */

import type { Diff } from "../../diff";
import type { ResourceState } from "../../state";
import { EngineError } from "../../types";
import { hasSecret, hasUnknown, revealMap, secret, UNKNOWN, type PropertyMap } from "../../values";
import { PartialFailure, type CheckFailure, type Operation, type Provider } from "../provider";
import { connect, readHost, type Client } from "./client";
import { containerResource } from "./container";
import { imageResource } from "./image";
import { networkResource } from "./network";
import { planCreate, planUpdate, refreshInputs } from "./plan";
import type { DockerResource } from "./resource";
import { checkInputs } from "./schema";
import { volumeResource } from "./volume";

export const DOCKER_RESOURCES: Readonly<Record<string, DockerResource>> = {
  "docker:index/container:Container": containerResource,
  "docker:index/remoteImage:RemoteImage": imageResource,
  "docker:index/volume:Volume": volumeResource,
  "docker:index/network:Network": networkResource,
};

export class DockerProvider implements Provider {
  private readonly clients = new Map<string, Promise<Client>>();

  check(inputs: PropertyMap, type: string): { inputs: PropertyMap; failures: CheckFailure[] } {
    const resource = resourceOf(type);
    const plain = revealMap(inputs);
    const failures = checkInputs(resource.schema, plain);
    const refusal = resource.refuse?.(plain);
    if (refusal !== undefined) failures.push({ property: "build", reason: refusal });
    return { inputs, failures };
  }

  diff(old: ResourceState, inputs: PropertyMap): Diff {
    const { schema, deleteBeforeReplace } = resourceOf(old.type);
    const { diff } = planUpdate(schema, old.outputs, inputs);
    return deleteBeforeReplace === true ? { ...diff, deleteBeforeReplace } : diff;
  }

  async create(operation: Operation, inputs: PropertyMap): Promise<{ id: string; outputs: PropertyMap }> {
    const resource = resourceOf(operation.type);
    const planned = planCreate(resource.schema, inputs);
    if (operation.dryRun) return { id: UNKNOWN, outputs: seal(inputs, planned) };
    const client = await this.client(operation);
    try {
      const { id, outputs } = await resource.create(client, planned, operation);
      return { id, outputs: seal(inputs, outputs) };
    } catch (error) {
      if (!(error instanceof PartialFailure)) throw error;
      throw new PartialFailure(error.message, error.id, seal(inputs, error.outputs));
    }
  }

  async update(operation: Operation, old: ResourceState, inputs: PropertyMap): Promise<PropertyMap> {
    const resource = resourceOf(operation.type);
    const { planned, changed } = planUpdate(resource.schema, old.outputs, inputs);
    if (operation.dryRun) return seal(inputs, planned);
    try {
      operation.ran(`docker update ${old.name}: ${[...changed].join(", ")}`);
      const client = await this.client(operation);
      return seal(inputs, await resource.update(client, old.id, planned, changed, revealMap(old.outputs)));
    } catch (error) {
      // Terraform keeps what was planned even where it failed: only a refresh finds out.
      throw new PartialFailure((error as Error).message, old.id, seal(inputs, planned));
    }
  }

  async delete(operation: Operation, old: ResourceState): Promise<void> {
    operation.ran(`docker rm ${old.name}`);
    await resourceOf(old.type).delete(await this.client(operation), old.id, revealMap(old.outputs));
  }

  async read(operation: Operation, old: ResourceState): Promise<ResourceState | undefined> {
    const resource = resourceOf(old.type);
    const state = revealMap(old.outputs);
    const found = await resource.read(await this.client(operation), old.id, state);
    if (found === undefined) return undefined;
    const inputs = refreshInputs(resource.schema, old.inputs, state, found.outputs);
    const now = { ...old, id: found.id, inputs, outputs: seal(old.inputs, found.outputs) };
    // What was half done has been looked at: what is missing shows as a difference, or not at all.
    delete now.initErrors;
    return now;
  }

  close(): void {
    for (const client of this.clients.values()) {
      void client.then(
        ({ agent }) => {
          agent.destroy();
        },
        () => undefined,
      );
    }
    this.clients.clear();
  }

  /** One for each configuration; the connections behind it end with the run. */
  private client({ providerInputs, env }: Operation): Promise<Client> {
    if (hasUnknown(providerInputs))
      throw new EngineError("the docker provider's configuration is not known yet");
    const host = readHost(providerInputs);
    const key = JSON.stringify(host);
    const client = this.clients.get(key) ?? connect(host, env);
    this.clients.set(key, client);
    return client;
  }
}

function resourceOf(type: string): DockerResource {
  const resource = DOCKER_RESOURCES[type];
  if (resource === undefined) throw new EngineError(`the docker provider does not serve ${type}`);
  return resource;
}

/** Outputs are as secret as the inputs of the same name. */
function seal(inputs: PropertyMap, outputs: PropertyMap): PropertyMap {
  const entries = Object.entries(outputs).map(([key, value]): [string, PropertyMap[string]] => [
    key,
    hasSecret(inputs[key]) ? secret(value) : value,
  ]);
  return Object.fromEntries(entries);
}
