/** A client for the daemon that an explicit provider's configuration names. */

import Docker from "dockerode";
import { EngineError } from "../../types";
import { revealMap, textOf, type PropertyMap, type Value } from "../../values";
import { SshAgent, type DockerHost } from "./transport";

/** The configuration that this engine serves; `version` is the plugin's. */
const SERVED = ["disableDockerDaemonCheck", "host", "sshOpts", "version"];

/** Reads `host: ssh://user@address:port` and `sshOpts`, which Pulumi hands over as JSON. */
export function readHost(configuration: PropertyMap): DockerHost {
  const plain = revealMap(configuration);
  const unserved = Object.keys(plain).filter((key) => !SERVED.includes(key) && plain[key] !== null);
  if (unserved.length > 0)
    throw new EngineError(`the local engine does not serve the docker provider's ${unserved.join(", ")}`);
  const text = textOf(plain["host"]);
  const match = /^ssh:\/\/(?:([^@/:]+)@)?(\[[^\]]+\]|[^:/@]+)(?::(\d+))?\/?$/.exec(text);
  if (match === null)
    throw new EngineError(
      `the local engine serves docker hosts of the form ssh://user@address:port, not ${text === "" ? "the default (this machine's own daemon)" : text}`,
    );
  const [, user = "", address = "", port = ""] = match;
  return {
    url: text,
    user,
    address: address.replace(/^\[|\]$/g, ""),
    port,
    sshOpts: optionsOf(plain["sshOpts"]),
  };
}

function optionsOf(value: Value | undefined): string[] {
  const options: unknown = typeof value === "string" ? JSON.parse(value) : (value ?? []);
  if (!Array.isArray(options)) throw new EngineError("the docker provider's sshOpts is not a list");
  return options.map(String);
}

export interface Client {
  docker: Docker;
  /** The API's version, as the daemon tells it. */
  apiVersion: string;
  agent: SshAgent;
}

/** Connects and pings, as the provider does before anything else. */
export async function connect(host: DockerHost, env: NodeJS.ProcessEnv): Promise<Client> {
  const agent = new SshAgent(host, env);
  // The name is never resolved: every connection is an ssh process.
  const options = { protocol: "http", host: "docker.example.com", port: 80, agent } as const;
  const docker = new Docker(options);
  try {
    const { ApiVersion } = await docker.version();
    return { docker, apiVersion: ApiVersion, agent };
  } catch (error) {
    agent.destroy();
    throw new EngineError(
      `failed to create Docker client: Error pinging Docker server, please make sure that ${host.url} is reachable and has a  '_ping' endpoint. Error: ${daemonError(error)}`,
      { cause: error },
    );
  }
}

/** An error of the client's in the words of the provider: "Error response from daemon: ...". */
export function daemonError(error: unknown): string {
  const { statusCode, json, message } = error as { statusCode?: number; json?: unknown; message: string };
  if (statusCode === undefined) return message;
  const said =
    typeof json === "object" && json !== null && "message" in json ? String(json.message) : message;
  return `Error response from daemon: ${said}`;
}

/** Runs a request; its error is the daemon's message after `what`. */
export async function asking<T>(what: string, request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw new EngineError(`${what}: ${daemonError(error)}`, { cause: error });
  }
}

export function isNotFound(error: unknown): boolean {
  const cause = (error as { cause?: unknown }).cause ?? error;
  return (cause as { statusCode?: number }).statusCode === 404;
}
