/** Building an image on the remote daemon from a folder of this machine. */

import { existsSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import type Docker from "dockerode";
import { execa } from "execa";
import { EngineError } from "../../types";
import { textOf, type PropertyMap } from "../../values";
import { daemonError, type Client } from "./client";
import { given, stringMap, strings } from "./container-request";

/**
 * BuildKit, as the provider asks for on any daemon since 18.09; "legacy" is only that it is not buildx. A number: for
 * the text dockerode opens a session for secrets and logins, which this engine does not serve.
 */
const BUILDKIT = 2;

/** A message of the build's progress; BuildKit's own are in a form that is not shown. */
interface Message {
  error?: string;
  errorDetail?: { message?: string };
}

/** Builds and tags; `cwd` is where relative paths start. */
export async function buildImage(
  { docker }: Client,
  name: string,
  build: PropertyMap,
  cwd: string,
): Promise<void> {
  const context = resolve(cwd, textOf(build["context"]));
  const dockerfile = dockerfileIn(context, textOf(build["dockerfile"] ?? "Dockerfile"), cwd);
  const options: Record<string, unknown> = {
    t: [name, ...strings(build["tags"])],
    dockerfile,
    version: BUILDKIT,
    rm: build["remove"] !== false,
    forcerm: build["forceRemove"] === true,
    ...given("platform", textOf(build["platform"])),
    ...given("target", textOf(build["target"])),
    ...given("buildargs", stringMap(build["buildArgs"])),
    ...given("labels", { ...stringMap(build["label"]), ...stringMap(build["labels"]) }),
    ...(build["noCache"] === true && { nocache: true }),
    ...(build["pullParent"] === true && { pull: "true" }),
  };
  try {
    await follow(await post(docker, await packContext(context), options));
  } catch (error) {
    throw new EngineError(`Error running legacy build: ${(error as Error).message.trim()}`, { cause: error });
  }
}

/** A Dockerfile is looked for from the working folder first, which is what the provider's library does. */
function dockerfileIn(context: string, dockerfile: string, cwd: string): string {
  const fromHere = resolve(cwd, dockerfile);
  const path = existsSync(fromHere) ? fromHere : join(context, dockerfile);
  const inside = relative(context, path);
  if (inside.startsWith("..") || isAbsolute(inside))
    throw new EngineError(
      `the local engine does not serve a Dockerfile outside of its context: ${path} (context ${context})`,
    );
  return inside;
}

/** The context as an archive, its files in order and owned by root. */
async function packContext(context: string): Promise<Buffer> {
  if (!existsSync(context) || !statSync(context).isDirectory())
    throw new EngineError(`unable to prepare context: path "${context}" not found`);
  if (existsSync(join(context, ".dockerignore")))
    throw new EngineError(`the local engine does not serve .dockerignore (${context})`);
  const order = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner"];
  const { stdout } = await execa("tar", ["--create", "--gzip", ...order, "--directory", context, "."], {
    encoding: "buffer",
  });
  return Buffer.from(stdout);
}

/**
 * dockerode's own buildImage opens a BuildKit session beside the build, for logins to registries and for secrets. This
 * engine serves neither, and the session's HTTP/2 does not run on anything but a real socket.
 */
function post(docker: Docker, archive: Buffer, options: object): Promise<NodeJS.ReadableStream> {
  const request = {
    path: "/build?",
    method: "POST",
    file: archive,
    options,
    isStream: true,
    statusCodes: { 200: true, 400: "bad parameter", 500: "server error" },
  };
  return new Promise((resolve, reject) => {
    (docker.modem as Modem).dial(request, (error, progress) => {
      if (error) reject(new EngineError(daemonError(error), { cause: error }));
      else resolve(progress);
    });
  });
}

/** What the client's types leave open. */
interface Modem {
  dial(request: object, done: (error: Error | null, progress: NodeJS.ReadableStream) => void): void;
}

/** Reads the progress to its end; a message with an error fails the build with it. */
async function follow(progress: NodeJS.ReadableStream): Promise<void> {
  let rest = "";
  const seen = (line: string): void => {
    if (line.trim() === "") return;
    const message = JSON.parse(line) as Message;
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) throw new EngineError(error);
  };
  for await (const chunk of progress) {
    const lines = `${rest}${chunk.toString()}`.split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(seen);
  }
  seen(rest);
}
