import type { SettledWorkload } from "../cgroup-service/workload";
import { addressOnHost, isPort, reachableAt } from "./engine-address";

/** llama-server's own (common/common.h of ggml-org/llama.cpp). */
const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8080;

/** How the monitor asks a llama-server. */
export interface LlamaCppServer {
  readonly url: string;
  /** Whether its model may be unloaded while nobody asks for it. */
  readonly sleeps: boolean;
}

/**
 * Where a workload's llama-server answers on the host: `api` where that is given, else what its options and LLAMA_ARG_ variables say,
 * or the port at which a container publishes it. Undefined where it is none, has TLS, or answers nowhere that is known.
 */
export function llamaCppServer(workload: SettledWorkload): LlamaCppServer | undefined {
  const { api, engine } = workload;
  if (engine !== "llama.cpp" || api === "none") return undefined;
  const url = api?.replace(/\/+$/, "") ?? addressOf(workload);
  return url === undefined ? undefined : { url, sleeps: maySleep(workload) };
}

function addressOf(workload: SettledWorkload): string | undefined {
  const host = argumentOf(workload, ["--host"], "LLAMA_ARG_HOST") ?? DEFAULT_HOST;
  const port = argumentOf(workload, ["--port"], "LLAMA_ARG_PORT") ?? defaultPort(workload);
  const key = argumentOf(workload, ["--ssl-key-file"], "LLAMA_ARG_SSL_KEY_FILE");
  // A path is a Unix socket's.
  if (host.endsWith(".sock") || !isPort(Number(port)) || key !== undefined) return undefined;
  const address = addressOnHost(workload, { host: reachableAt(host), port: Number(port) });
  const prefix = argumentOf(workload, ["--api-prefix"], "LLAMA_ARG_API_PREFIX") ?? "";
  return address && `${address}${prefix.replace(/\/+$/, "")}`;
}

/** None where something else may say another one: a unit that its vendor wrote, or a file of variables. */
function defaultPort({ exec, runtime, environmentFile }: SettledWorkload): number | undefined {
  const isKnown = (runtime === "container" || exec !== undefined) && environmentFile === undefined;
  return isKnown ? DEFAULT_PORT : undefined;
}

/**
 * Unless it is known not to: its options and variables are all here, and tell of no sleep. A vendor's unit and a file of variables
 * may have it from elsewhere.
 */
function maySleep(workload: SettledWorkload): boolean {
  const { exec, runtime, environmentFile } = workload;
  if ((runtime === "systemd" && exec === undefined) || environmentFile !== undefined) return true;
  const seconds = argumentOf(workload, ["--sleep-idle-seconds"], "LLAMA_ARG_SLEEP_IDLE_SECONDS");
  return seconds !== undefined && !/^-[0-9]+$/.test(seconds);
}

/** An option goes before its variable (common/arg.cpp), and a later option before an earlier one. */
function argumentOf(
  { exec, entrypoint, command, environment }: SettledWorkload,
  options: readonly string[],
  variable: string,
): string | undefined {
  const words = [...(exec?.start.split(/\s+/) ?? []), ...(entrypoint ?? []), ...(command ?? [])];
  const index = words.findLastIndex((word) => options.includes(word));
  const value = index === -1 ? environment[variable] : words[index + 1];
  return value?.replace(/^["']|["']$/g, "");
}
