import type { SettledWorkload } from "../cgroup-service/workload";
import { addressOnHost, isPort, type ListensAt, reachableAt } from "./engine-address";

/** Ollama's own (envconfig/config.go). */
const DEFAULT_PORT = 11434;

/**
 * Where a workload's Ollama answers on the host, without a path: `api` where that is given, else what OLLAMA_HOST says, or the
 * port at which a container publishes it. Undefined where it is no Ollama, or answers nowhere that is known.
 */
export function ollamaAddress(workload: SettledWorkload): string | undefined {
  const { api, engine, environment } = workload;
  if (engine !== "ollama" || api === "none") return undefined;
  if (api !== undefined) return api.replace(/\/+$/, "");
  const listens = listensAt(environment["OLLAMA_HOST"] ?? "");
  return listens && addressOnHost(workload, listens);
}

/** As Ollama reads the variable: `[http://][ADDRESS][:PORT]`. One with TLS is not asked. */
function listensAt(text: string): ListensAt | undefined {
  const [, scheme, rest = ""] =
    /^(?:([a-z]+):\/\/)?(.*?)\/*$/.exec(text.trim().replace(/^["']|["']$/g, "")) ?? [];
  if (scheme !== undefined && scheme !== "http") return undefined;
  const [, bracketed = "", plain = "", port = scheme === undefined ? String(DEFAULT_PORT) : "80"] =
    /^(?:\[([0-9a-f:]*)\]|([^:]*))(?::([0-9]{1,5}))?$/i.exec(rest) ?? [];
  // What it cannot read is its default again.
  return {
    host: reachableAt(bracketed === "" ? plain : bracketed),
    port: isPort(Number(port)) ? Number(port) : DEFAULT_PORT,
  };
}
