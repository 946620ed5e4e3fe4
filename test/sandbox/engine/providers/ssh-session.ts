/** One command on a connected host: environment, standard input, output, exit status. */

import type { Client, ClientChannel } from "ssh2";
import { EngineError } from "../types";
import { textOf, type PropertyMap, type Value } from "../values";
import type { Operation } from "./provider";
import { environmentReplies } from "./ssh-environment";

export interface Session {
  client: Client;
}

/** The provider scans output for its log with a buffer of this size; a longer line blocks it for ever (measured). */
const MAX_LOG_LINE = 64 * 1024;

/** Runs a command with the properties of its resource; a status other than 0 is an error with the output in it. */
export async function runSession(
  session: Session,
  command: string,
  properties: PropertyMap,
  operation: Operation,
): Promise<{ stdout: string; stderr: string }> {
  const required = environmentOf(properties["environment"]);
  const wanted = { ...required, ...previousOutput(properties) };
  const refused = environmentReplies(session.client);
  const channel = await exec(session.client, command, wanted);
  const denied = [...refused].find((name) => name in required);
  if (denied !== undefined) {
    channel.close();
    throw new EngineError(
      `could not set environment variable "${denied}": the server's AcceptEnv does not list it`,
    );
  }
  for (const name of refused) {
    operation.log(
      "warning",
      `Unable to set '${name}'. This only works if the server accepts it (AcceptEnv).`,
    );
  }
  const stdin = properties["stdin"];
  channel.end(typeof stdin === "string" ? stdin : "");
  const { stdout, stderr, both, failure } = await finished(channel);
  logOutput(textOf(properties["logging"] ?? "stdoutAndStderr"), stdout, stderr, operation);
  if (failure !== undefined)
    throw new EngineError(`${failure}: running ${JSON.stringify(command)}:\n${both}`);
  return { stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") };
}

function environmentOf(value: Value | undefined): Record<string, string> {
  const entries = Object.entries((value ?? {}) as PropertyMap);
  return Object.fromEntries(entries.map(([name, item]) => [name, textOf(item)]));
}

function previousOutput(properties: PropertyMap): Record<string, string> {
  const { stdout, stderr, addPreviousOutputInEnv = true } = properties;
  if (addPreviousOutputInEnv !== true) return {};
  return {
    ...(typeof stdout === "string" && stdout !== "" && { PULUMI_COMMAND_STDOUT: stdout }),
    ...(typeof stderr === "string" && stderr !== "" && { PULUMI_COMMAND_STDERR: stderr }),
  };
}

function exec(client: Client, command: string, env: NodeJS.ProcessEnv): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => {
      if (error) reject(error);
      else resolve(channel);
    });
  });
}

interface Finished {
  stdout: string;
  stderr: string;
  both: string;
  failure: string | undefined;
}

function finished(channel: ClientChannel): Promise<Finished> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const both: Buffer[] = [];
  let failure: string | undefined = "wait: remote command exited without exit status or exit signal";
  channel.on("data", (data: Buffer) => {
    stdout.push(data);
    both.push(data);
  });
  channel.stderr.on("data", (data: Buffer) => {
    stderr.push(data);
    both.push(data);
  });
  channel.on("exit", (code: number | null, signal?: string) => {
    failure = code === 0 ? undefined : `Process exited with status ${code ?? `from signal ${signal ?? "?"}`}`;
  });
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString("utf8");
  return new Promise((resolve) => {
    channel.on("close", () => {
      resolve({ stdout: text(stdout), stderr: text(stderr), both: text(both), failure });
    });
  });
}

function logOutput(logging: string, stdout: string, stderr: string, operation: Operation): void {
  const streams = [/^stdout/i.test(logging) ? stdout : "", /stderr$/i.test(logging) ? stderr : ""];
  for (const line of streams.join("").split("\n")) {
    if (line.length > MAX_LOG_LINE) {
      throw new EngineError(
        `an output line of ${line.length} bytes: the real provider hangs on it, log less`,
      );
    }
    if (line !== "") operation.log("info", line);
  }
}
