import type { SettledWorkload } from "../cgroup-service/workload";
import { parsePublishedPort, type PublishedPort } from "../limited-container/port";
import { bracketed, parseIpAddress } from "../settings/ip-address";

/** Ollama's own (envconfig/config.go). */
const DEFAULT_PORT = 11434;

/**
 * Where a workload's Ollama answers on the host, without a path: `api` where that is given, else what OLLAMA_HOST says, or the
 * port at which a container publishes it. Undefined where it is no Ollama, or answers nowhere that is known.
 */
export function ollamaAddress(workload: SettledWorkload): string | undefined {
  const { api, engine, runtime, environment, ports = [] } = workload;
  if (engine !== "ollama" || api === "none") return undefined;
  if (api !== undefined) return api.replace(/\/+$/, "");
  const listens = listensAt(environment["OLLAMA_HOST"] ?? "");
  if (listens === undefined) return undefined;
  if (runtime === "systemd") return `http://${listens.host}:${listens.port}`;
  const published = ports
    .map(parsePublishedPort)
    .find(({ container, protocol }) => protocol === "tcp" && container === listens.port);
  return published === undefined ? undefined : `http://${reachable(published)}:${published.host}`;
}

/** As Ollama reads the variable: `[http://][ADDRESS][:PORT]`. One with TLS is not asked. */
function listensAt(text: string): { host: string; port: number } | undefined {
  const [, scheme, rest = ""] =
    /^(?:([a-z]+):\/\/)?(.*?)\/*$/.exec(text.trim().replace(/^["']|["']$/g, "")) ?? [];
  if (scheme !== undefined && scheme !== "http") return undefined;
  const [, bracketed = "", plain = "", port = scheme === undefined ? String(DEFAULT_PORT) : "80"] =
    /^(?:\[([0-9a-f:]*)\]|([^:]*))(?::([0-9]{1,5}))?$/i.exec(rest) ?? [];
  const number = Number(port);
  // What it cannot read is its default again.
  return {
    host: reachableAt(bracketed === "" ? plain : bracketed),
    port: number > 0 && number < 65_536 ? number : DEFAULT_PORT,
  };
}

function reachable({ address }: PublishedPort): string {
  return reachableAt(address.text);
}

/** Every address is asked at loopback. */
function reachableAt(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  const address = parseIpAddress(host);
  if (address?.text === "::") return "[::1]";
  return address === undefined ? host : bracketed(address);
}
