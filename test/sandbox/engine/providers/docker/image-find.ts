/** An image by name: the daemon's own, else pulled. */

import { EngineError } from "../../types";
import { asking, daemonError, isNotFound, type Client } from "./client";

export interface Image {
  id: string;
  repoDigests: string[];
}

/** The image that the daemon has under this name or id. */
export async function localImage({ docker }: Client, name: string): Promise<Image | undefined> {
  try {
    const { Id, RepoDigests } = await asking(
      `unable to inspect image ${name}`,
      docker.getImage(name).inspect(),
    );
    return { id: Id, repoDigests: RepoDigests };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function findImage(client: Client, name: string, platform = ""): Promise<Image> {
  if (name === "") throw new EngineError("empty image name is not allowed");
  const found = await localImage(client, name);
  if (found !== undefined) return found;
  await pull(client, name, platform);
  const pulled = await localImage(client, name);
  if (pulled === undefined) throw new EngineError(`unable to find or pull image ${name}`);
  return pulled;
}

async function pull({ docker }: Client, name: string, platform: string): Promise<void> {
  const fail = (error: unknown): never => {
    throw new EngineError(
      `unable to pull image ${name}: error pulling image ${name}: ${daemonError(error)}`,
      {
        cause: error,
      },
    );
  };
  // Without a tag the API would pull them all.
  const tagged = /[:@][^/]*$/.test(name) ? name : `${name}:latest`;
  const progress = await docker.pull(tagged, platform === "" ? {} : { platform }).catch(fail);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
  }).catch(fail);
}
