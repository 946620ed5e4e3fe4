import { parse } from "yaml";
import { hostBundles } from "../../components/goblin-host/bundles";
import { declareHost } from "../../components/goblin-host/declare";
import { readStack, type StackSettings } from "../../components/goblin-host/stack";
import { targetOf } from "../../components/goblin-host/target";
import { containerSpec } from "../../components/limited-container/spec";
import { checkConfig } from "../../monitor/config/check";
import { paste } from "./paste";

export const HOST_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;

/** Two hosts' worth of nothing special: a service, and a container. */
export const BASE = {
  hosts: { goblin: { address: "198.51.100.7", hostKey: HOST_KEY } },
  workloads: {
    ollama: { memory: { max: "8GiB" } },
    llama: { runtime: "container", image: "example/llama:1", memory: { max: "1GiB" } },
  },
};

export type Config = Record<string, unknown>;
export type Read = StackSettings | { readonly problems: readonly string[] };

/** The configuration as Pulumi hands it over: what has a structure as JSON, the rest as text. */
export function readAsPulumi(config: Config, stack = "test"): Read {
  const texts = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return readStack(Object.fromEntries(texts) as Config, stack, new Set());
}

export function problemsOf(config: Config, stack?: string): readonly string[] {
  const read = readAsPulumi(config, stack);
  return "problems" in read ? read.problems : [];
}

/** Everything that a deployment makes of accepted settings, down to what the monitor reads on the host. */
export function renderAll({ hosts }: StackSettings): string[] {
  return hosts.flatMap((host) => {
    const stack = { project: "goblin-host", stack: "test" };
    targetOf(host.settings);
    const bundles = hostBundles(host, stack);
    const monitor = parse(bundles.find(({ name }) => name === "monitor")?.text ?? "") as {
      files: Record<string, { content: string }>;
    };
    checkConfig(monitor.files["/etc/ai-resource-monitor/config.json"]?.content ?? "", "config.json");
    const containers = declareHost(host.name, host.settings).workloads.filter(({ as }) => "container" in as);
    return [
      ...bundles.map(({ text }) => text),
      ...containers.map(({ settled }) => JSON.stringify(containerSpec(settled))),
    ];
  });
}

/** The configuration with one setting as a person wrote it. */
export function withValue(config: Config, path: readonly (string | number)[], value: unknown): Config {
  const copy = structuredClone(config);
  let at: Record<string | number, unknown> = copy;
  path.slice(0, -1).forEach((part, index) => {
    const next = Object.hasOwn(at, part) ? at[part] : undefined;
    const container =
      typeof next === "object" && next !== null ? next : typeof path[index + 1] === "number" ? [] : {};
    Object.defineProperty(at, part, {
      value: container,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    at = container as Record<string | number, unknown>;
  });
  Object.defineProperty(at, path.at(-1) ?? "", {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

/** The pasteable part of a problem. */
export function fixOf(problem: string): string {
  return problem.split("\n    fix: ")[1] ?? "";
}

/** What is left to mend after every fix was pasted, the last one first, and again what that brought to light. */
export function leftAfterFixes(config: Config, rounds = 3): readonly string[] {
  const problems = problemsOf(config).filter((text) => !isPlaceholder(text));
  if (problems.length === 0 || rounds === 0) return problems;
  const mended = problems.toReversed().reduce((at, problem) => paste(at, fixOf(problem)), config);
  return leftAfterFixes(mended, rounds - 1);
}

/** Nobody but the operator knows a host's key, and its address once the host was removed. */
function isPlaceholder(problem: string): boolean {
  return /ssh-ed25519 AAAA\.\.\.|needs at least one host/.test(problem);
}
