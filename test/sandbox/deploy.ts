import { join } from "node:path";
import { withAgent } from "./agent";
import {
  type EngineEvent,
  type EngineName,
  type EngineOptions,
  type EngineResult,
  chooseEngine,
} from "./engine";
import { SandboxError } from "./errors";
import { runFolder } from "./paths";
import type { Vm } from "./vm";

/** The checkout: the folder of Pulumi.yaml. */
export const programFolder = join(import.meta.dirname, "..", "..");

/** The stack whose configuration Pulumi.sandbox.yaml holds, and the name of its one host. */
export const stack = "sandbox";

export interface DeployOptions {
  readonly engine?: EngineName | undefined;
  /** Set on top of the stack's file, as `pulumi config set --path` would. */
  readonly overrides?: Record<string, unknown>;
  /** Keys of the configuration in which something is a secret. The local engine's alone. */
  readonly secrets?: string[];
  readonly expectNoChanges?: boolean;
  /** False: as `--refresh=false`. */
  readonly refresh?: false;
  /** The folder of Pulumi.yaml; default: this checkout. */
  readonly programDir?: string;
  /** Key files that the agent has. Default: the VM's own key. */
  readonly keys?: readonly string[];
  readonly onEvent?: (event: EngineEvent) => void;
  readonly display?: NonNullable<EngineOptions["display"]>;
}

export type Verb = "preview" | "up" | "destroy";

/** Runs the real program against the VM. What the engine finds wrong is in the result, not thrown. */
export function runEngine(verb: Verb, vm: Vm, options: DeployOptions = {}): Promise<EngineResult> {
  const { engine: wanted, overrides = {}, programDir = programFolder, keys, ...rest } = options;
  const { engine } = chooseEngine(wanted);
  return withAgent(keys ?? vm.files.clientKey, (socket) =>
    engine[verb]({
      ...rest,
      programDir,
      stack,
      stateFile: stateFile(vm),
      overrides: { ...vmOverrides(vm), ...overrides },
      env: { SSH_AUTH_SOCK: socket },
    }),
  );
}

/** The engine's state lies with the VM's disk: they are made and removed together. */
export const stateFile = (vm: Vm): string => join(runFolder(vm.name), "stack.json");

/** What differs from machine to machine, and so is not in Pulumi.sandbox.yaml. */
export function vmOverrides(vm: Pick<Vm, "hostKey" | "state">): Record<string, unknown> {
  const host = `goblin-host:hosts.${stack}`;
  return {
    [`${host}.port`]: vm.state.sshPort,
    [`${host}.hostKey`]: vm.hostKey,
    ...coreOverrides(vm.state.cpus),
  };
}

/** Pulumi.sandbox.yaml names the cores of a VM with two CPUs; another VM is shared out as production is, 2 to 1. */
export function coreOverrides(cpus: number): Record<string, string> {
  if (cpus === 2) return {};
  const first = Math.min(Math.max(1, Math.round((cpus * 2) / 3)), Math.max(1, cpus - 1));
  const range = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
  const cores = (workload: string): string => `goblin-host:workloads.${workload}.cpu.cores`;
  return {
    [cores("ollama")]: range(0, first - 1),
    [cores("llamacpp")]: range(Math.min(first, cpus - 1), cpus - 1),
  };
}

/** The engine's errors as one error for the terminal. */
export function refuseFailure(verb: Verb, result: EngineResult): void {
  if (result.exitCode === 0) return;
  const errors = result.diagnostics.filter(({ severity }) => severity === "error");
  const text = errors.map(({ message, urn }) =>
    [urn?.split("::").at(-1), message].filter(Boolean).join(": "),
  );
  throw new SandboxError(`${verb} failed (${result.summary || "nothing done"})\n  ${text.join("\n  ")}`);
}
