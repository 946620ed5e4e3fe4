/** docker:index/container:Container: create, start and wait; update in place; stop and remove. */

import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "../../types";
import { textOf, UNKNOWN, type PropertyMap } from "../../values";
import { PartialFailure, type Operation } from "../provider";
import { asking, daemonError, isNotFound, type Client } from "./client";
import { readContainer } from "./container-read";
import { createBody, list, number, strings, updateBody, UPDATED_LIVE } from "./container-request";
import { containerSchema } from "./container-schema";
import { findImage } from "./image-find";
import { known, type DockerResource, type Made } from "./resource";

const HEALTH_INTERVAL_MS = 1000;

export const containerResource: DockerResource = {
  schema: containerSchema,
  deleteBeforeReplace: true,
  create,
  update,
  read,
  delete: remove,
};

async function create(client: Client, planned: PropertyMap, operation: Operation): Promise<Made> {
  const inputs = known(planned, UNKNOWN);
  const image = textOf(inputs["image"]);
  await asking(`Unable to create container with image ${image}`, findImage(client, image));
  operation.ran(`docker create ${textOf(inputs["name"])}`);
  const { id } = await asking(
    "Unable to create container",
    client.docker.createContainer(createBody(inputs, client.apiVersion)),
  );
  try {
    await join(client, id, inputs);
    const logs = await start(client, id, inputs);
    const made = await read(client, id, inputs);
    if (made === undefined) throw new EngineError(`container ${id} is gone right after its creation`);
    return { id, outputs: { ...made.outputs, ...(logs !== undefined && { containerLogs: logs }) } };
  } catch (error) {
    // From here on the container exists, so it belongs into the state, whatever else went wrong.
    throw new PartialFailure((error as Error).message, id, inputs);
  }
}

/** The networks of networksAdvanced, instead of the default bridge. */
async function join({ docker }: Client, id: string, inputs: PropertyMap): Promise<void> {
  const networks = list(inputs["networksAdvanced"]);
  if (networks.length === 0) return;
  await docker
    .getNetwork("bridge")
    .disconnect({ Container: id, Force: false })
    .catch((error: unknown) => {
      const message = daemonError(error);
      if (!message.includes("is not connected to"))
        throw new EngineError(`Unable to disconnect the default network: ${message}`);
    });
  for (const network of networks) {
    const name = textOf(network["name"]);
    const EndpointConfig = {
      Aliases: strings(network["aliases"]),
      MacAddress: textOf(network["macAddress"]),
      DriverOpts: Object.fromEntries(strings(network["driverOpts"]).map((option) => split(option))),
      IPAMConfig: {
        IPv4Address: textOf(network["ipv4Address"]),
        IPv6Address: textOf(network["ipv6Address"]),
        LinkLocalIPs: strings(network["linkLocalIps"]),
      },
    };
    await asking(
      `Unable to connect to network '${name}'`,
      docker.getNetwork(name).connect({ Container: id, EndpointConfig } as { Container: string }),
    );
  }
}

function split(option: string): [string, string] {
  const at = option.indexOf("=");
  return [option.slice(0, at), option.slice(at + 1)];
}

/** Starts as the inputs ask; returns the logs of one that is attached to with `logs`. */
async function start(client: Client, id: string, inputs: PropertyMap): Promise<string | undefined> {
  const container = client.docker.getContainer(id);
  if (inputs["start"] === true) {
    await asking("Unable to start container", container.start());
    if (inputs["wait"] === true) await untilHealthy(client, id, number(inputs["waitTimeout"]));
  }
  if (inputs["attach"] !== true) return undefined;
  await asking("Unable to wait container end of execution", container.wait());
  if (inputs["logs"] !== true) return undefined;
  const logs = await asking("unable to read container logs", container.logs({ stdout: true, stderr: true }));
  return inputs["tty"] === true ? logs.toString("utf8") : withoutFrames(logs);
}

async function untilHealthy({ docker }: Client, id: string, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const { State } = await asking("error inspecting container state", docker.getContainer(id).inspect());
    if (State.Health === undefined)
      throw new EngineError(
        "you have supplied a 'wait' argument, but the container does not have a healthcheck defined. Please remove the 'wait' argument or add a 'healthcheck' attribute",
      );
    if (State.Health.Status === "healthy") return;
    if (Date.now() >= until) throw new EngineError("container failed to be in healthy state");
    await sleep(HEALTH_INTERVAL_MS);
  }
}

/** Without a terminal, each piece of output has a header: one byte for the stream, three zeros, a length of four. */
function withoutFrames(logs: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= logs.length;) {
    const end = at + 8 + logs.readUInt32BE(at + 4);
    pieces.push(logs.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** As the provider: a container that should run is started, limits go to the daemon, and the rest is only noted. */
async function update(
  { docker }: Client,
  id: string,
  planned: PropertyMap,
  changed: ReadonlySet<string>,
  before: PropertyMap,
): Promise<PropertyMap> {
  const container = docker.getContainer(id);
  const isToStart = changed.has("mustRun") && before["mustRun"] === false && planned["mustRun"] === true;
  if (isToStart && planned["start"] === true)
    await asking("Unable to start container", container.start().catch(unlessStatus(304)));
  if (UPDATED_LIVE.some((key) => changed.has(key)))
    await asking("Unable to update a container", container.update(updateBody(planned)));
  return planned;
}

async function read({ docker }: Client, id: string, state: PropertyMap): Promise<Made | undefined> {
  try {
    const info = await asking("Unable to inspect container", docker.getContainer(id).inspect());
    return { id: info.Id, outputs: readContainer(state, info) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function remove({ docker }: Client, id: string, state: PropertyMap): Promise<void> {
  const container = docker.getContainer(id);
  if (state["attach"] !== true) {
    const grace = Math.max(0, number(state["destroyGraceSeconds"]));
    await asking(
      `Error stopping container ${id}`,
      // One that is gone is an error here, and none below.
      container.stop({ t: grace }).catch(unlessStatus(304)),
    );
  }
  // `v` takes the anonymous volumes along; a volume with a name stays.
  const options = { v: state["removeVolumes"] !== false, force: true };
  await asking(`Error deleting container ${id}`, container.remove(options).catch(unlessStatus(404, 409)));
  await asking(`Error waiting for container removal '${id}'`, container.wait().catch(unlessStatus(404)));
}

/** Passes over an answer that says "it is so already". */
function unlessStatus(...codes: number[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
  };
}
