/** docker:index/volume:Volume. */

import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "../../types";
import { textOf, UNKNOWN, type PropertyMap } from "../../values";
import { asking, daemonError, isNotFound, type Client } from "./client";
import { labelsOf, stringMap } from "./container-request";
import { labelSchema } from "./container-schema";
import { known, type DockerResource, type Made } from "./resource";

/** How long a volume may still be in use when it is to be removed. */
const IN_USE_SECONDS = 30;

export const volumeResource: DockerResource = {
  schema: {
    name: { kind: "string", required: true, replace: true },
    labels: { kind: "set", of: labelSchema, replace: true },
    driver: { kind: "string", computed: true, replace: true },
    driverOpts: { kind: "map", replace: true },
    mountpoint: { kind: "string", output: true },
    cluster: { kind: "block", unserved: true },
  },
  create: async (client, planned) => {
    const inputs = known(planned, UNKNOWN);
    const body = {
      Name: textOf(inputs["name"]),
      Driver: textOf(inputs["driver"]),
      DriverOpts: stringMap(inputs["driverOpts"]),
      Labels: labelsOf(inputs["labels"]),
    };
    await asking("Unable to create volume", client.docker.createVolume(body));
    const made = await read(client, body.Name, inputs);
    if (made === undefined) throw new EngineError(`volume ${body.Name} is gone right after its creation`);
    return made;
  },
  // Everything that can change makes a new volume.
  update: (_client, _id, planned) => Promise.resolve(planned),
  read,
  delete: remove,
};

async function read({ docker }: Client, id: string, state: PropertyMap): Promise<Made | undefined> {
  try {
    const volume = await asking("Unable to inspect volume", docker.getVolume(id).inspect());
    const labels = Object.entries((volume.Labels as Record<string, string> | null) ?? {});
    const outputs: PropertyMap = {
      ...state,
      name: volume.Name,
      labels: labels.map(([label, value]) => ({ label, value })),
      driver: volume.Driver,
      driverOpts: volume.Options ?? {},
      mountpoint: volume.Mountpoint,
    };
    return { id: volume.Name, outputs };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Waits for whoever still uses it. One that is gone already is removed. */
async function remove({ docker }: Client, id: string): Promise<void> {
  const until = Date.now() + IN_USE_SECONDS * 1000;
  for (;;) {
    try {
      await docker.getVolume(id).remove({ force: true });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      const message = daemonError(error);
      if (!message.includes("volume is in use")) throw new EngineError(message, { cause: error });
      if (Date.now() > until)
        throw new EngineError(
          `timeout while waiting for state to become 'removed' (last state: 'in_use', timeout: ${IN_USE_SECONDS}s)`,
          { cause: error },
        );
      await sleep(1000);
    }
  }
}
