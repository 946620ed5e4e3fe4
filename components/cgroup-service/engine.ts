import type { Workload } from "./schema";

/** What serves the models: it decides which variables follow from the workload's limits. */
export const ENGINES = ["ollama", "llama.cpp", "none"] as const;
export type Engine = (typeof ENGINES)[number];

type EngineSettings = Pick<Workload, "engine" | "exec" | "image" | "entrypoint">;

/**
 * The given engine; else the first that a name tells of: that of its program, of its image, of its unit, of the workload.
 * A unit without `exec` is its vendor's, and only its name is known.
 * @param unit `ollama.service`, `llama-server@large.service`
 */
export function engineOf(
  { engine, exec, image, entrypoint }: EngineSettings,
  unit: string,
  name: string,
): Engine {
  if (engine !== undefined) return engine;
  const names = [
    exec === undefined ? "" : programOf(exec.start.split(/\s+/)),
    programOf(entrypoint ?? []),
    repositoryOf(image ?? ""),
    unit.replace(/(@.*)?\.service$/, ""),
    name,
  ];
  return names.map(engineCalled).find((found) => found !== undefined) ?? "none";
}

function engineCalled(name: string): Engine | undefined {
  if (name === "ollama") return "ollama";
  return /^llama([-_.]?cpp|-server)$/.test(name) ? "llama.cpp" : undefined;
}

/** The program's own name; what env(1) runs is the program. */
function programOf([first = "", ...rest]: readonly string[]): string {
  const name = lastPart(first);
  if (name !== "env") return name;
  return lastPart(rest.find((word) => !word.startsWith("-") && !word.includes("=")) ?? "");
}

/** `ghcr.io/ggml-org/llama.cpp:server` is `llama.cpp`. */
function repositoryOf(image: string): string {
  return lastPart(image).replace(/[:@].*$/, "");
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
