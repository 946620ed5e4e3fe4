/** docker:index/remoteImage:RemoteImage: pulled by name, or built on the daemon. */

import { isMap, textOf, UNKNOWN, type PropertyMap } from "../../values";
import type { Operation } from "../provider";
import { asking, type Client } from "./client";
import { buildImage } from "./image-build";
import { findImage, localImage, type Image } from "./image-find";
import { imageSchema } from "./image-schema";
import { known, type DockerResource, type Made } from "./resource";

export const imageResource: DockerResource = {
  schema: imageSchema,
  refuse: ({ build, pullTriggers }) => {
    if (!isMap(build)) return undefined;
    if (pullTriggers !== undefined) return "build conflicts with pullTriggers";
    return build["useLegacyBuilder"] === true
      ? undefined
      : "build without useLegacyBuilder runs buildx on the local daemon, which the local engine does not serve";
  },
  create,
  update: async (client, _, planned) => {
    const image = await findImage(client, textOf(planned["name"]), textOf(planned["platform"]));
    return outputsOf(planned, image);
  },
  read,
  delete: remove,
};

async function create(client: Client, planned: PropertyMap, operation: Operation): Promise<Made> {
  const inputs = known(planned, UNKNOWN);
  const name = textOf(inputs["name"]);
  if (isMap(inputs["build"])) {
    operation.ran(`docker build ${name}`);
    await buildImage(client, name, inputs["build"], operation.cwd);
  }
  const image = await asking(
    "Unable to read Docker image into resource",
    findImage(client, name, textOf(inputs["platform"])),
  );
  return made(inputs, image);
}

async function read(client: Client, _id: string, state: PropertyMap): Promise<Made | undefined> {
  const image = await localImage(client, textOf(state["name"]));
  return image === undefined ? undefined : made(state, image);
}

async function remove(client: Client, _id: string, state: PropertyMap): Promise<void> {
  if (state["keepLocally"] === true) return;
  const name = textOf(state["name"]);
  // By its name, whatever image has that name by now.
  if ((await localImage(client, name)) === undefined) return;
  const force = state["forceRemove"] === true;
  await asking("Unable to remove Docker image", client.docker.getImage(name).remove({ force }));
}

function made(state: PropertyMap, image: Image): Made {
  return { id: `${image.id}${textOf(state["name"])}`, outputs: outputsOf(state, image) };
}

function outputsOf(state: PropertyMap, { id, repoDigests }: Image): PropertyMap {
  const repository = textOf(state["name"]).replace(/(:[^/:]+)?(@.*)?$/, "");
  const repoDigest = repoDigests.find((digest) => digest.startsWith(`${repository}@`)) ?? "";
  return { ...state, imageId: id, repoDigest };
}
