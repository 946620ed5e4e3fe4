import * as pulumi from "@pulumi/pulumi";
import { MANAGER } from "../host-bundle/commands";
import type { HostConnection } from "../host-bundle/connection";
import type { HostBundle } from "../host-bundle/host-bundle";
import { reachedAs } from "../host-bundle/reached";
import { quoteShell } from "../render/shell";
import { runAgent } from "../ssh/agent";
import { SshError } from "../ssh/failure";
import { runSsh, type SshResult } from "../ssh/run";
import { OWNER_LABEL } from "./owned";

/** A container stops within its own time, which is at most some minutes; what is removed is waited for. */
const TIME_LIMIT_MS = 15 * 60_000;
const LOOK_LIMIT_MS = 30_000;

/**
 * Runs before a container is created, and only then: Pulumi alone knows that a container is not in its state (the state
 * was lost, or a run was ended while it made the container). The host then removes one of that name that is this stack's
 * own, and refuses any other. A preview asks only where the workload is new to the host; see docs/architecture.md.
 * @param bundle what the container belongs to on the host
 */
export function makeWay(
  name: string,
  host: HostConnection,
  container: string,
  bundle: HostBundle,
): { hooks?: pulumi.ResourceHookBinding } {
  // Pulumi's mocks serve no hooks.
  if (!pulumi.runtime.hasEngine()) return {};
  const run = async (): Promise<void> => {
    if (!pulumi.runtime.isDryRun()) await vacate(host, container, bundle.owner);
    else if (isNewTo(host, bundle.bundle.name)) await refuseStranger(host, container, bundle.owner);
  };
  return { hooks: { beforeCreate: [new pulumi.ResourceHook(`${name}-make-way`, run, { onDryRun: true })] } };
}

/** Where the bundle is in force, the container may well be the one that the preview is about to replace. */
function isNewTo({ observation }: HostConnection, bundle: string): boolean {
  if (observation === undefined || observation.kind === "unknown") return false;
  return observation.kind === "absent" || observation.status.bundles.every(({ name }) => name !== bundle);
}

async function vacate(host: HostConnection, container: string, owner: string): Promise<void> {
  const command = `${MANAGER} vacate ${quoteShell(container)} --owner ${quoteShell(owner)}`;
  const { code, stdout, stderr } = await ask(host, command, TIME_LIMIT_MS);
  if (code !== 0) throw new Error(`host "${host.name}": ${why(stderr)}`);
  const told = stdout.trim();
  if (told !== "") await pulumi.log.info(`host "${host.name}": ${told}`);
}

/** Changes nothing, not even a dockerd that sleeps behind its socket. What cannot be seen is left to the run itself. */
async function refuseStranger(host: HostConnection, container: string, owner: string): Promise<void> {
  let result: SshResult;
  try {
    result = await ask(host, lookFor(container), LOOK_LIMIT_MS);
  } catch (error) {
    if (error instanceof SshError) return;
    throw error;
  }
  const found = strangersLabel(result.stdout, owner);
  if (result.code === 0 && found !== undefined) throw new Error(explainStranger(host.name, container, found));
}

/** A line for each container of that name: its number and whose its label says it is. */
export function lookFor(container: string): string {
  const format = `{{.ID}} {{.Label "${OWNER_LABEL}"}}`;
  const list = `docker ps --all --no-trunc --filter ${quoteShell(`name=^/${container.replaceAll(".", "\\.")}$`)} --format ${quoteShell(format)}`;
  const script = `command -v docker >/dev/null && systemctl is-active --quiet docker.service || exit 0; ${list}`;
  return `sh -c ${quoteShell(script)}`;
}

/** @returns the label of a container that is not the owner's, empty where it has none; undefined where there is none such */
export function strangersLabel(printed: string, owner: string): string | undefined {
  return printed
    .split("\n")
    .flatMap((line) => /^[0-9a-f]{64} (.*)$/.exec(line)?.[1] ?? [])
    .find((label) => label !== owner);
}

export function explainStranger(host: string, container: string, label: string): string {
  const whose = label === "" ? "no stack of this project has made" : `${label} has made`;
  return (
    `host "${host}": a container named ${container} is there already, which ${whose}; nothing was changed. ` +
    `Keep it under another name (docker rename ${container} NAME) or remove it (docker rm --force ${container}); ` +
    "a workload can also have another name. Then run pulumi up"
  );
}

/** The manager's last line says the whole of it. */
function why(stderr: string): string {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  return line.replace(/^error: /, "") || "its manager ended without a word";
}

async function ask(host: HostConnection, command: string, limitMs: number): Promise<SshResult> {
  const [target, key] = await plain(pulumi.all([reachedAs(host), host.privateKey]));
  const reached = key === undefined ? target : { ...target, agent: await runAgent(key) };
  return runSsh(reached, command, Date.now() + limitMs);
}

/** Where a container is created, all that its host is reached by is known. */
function plain<T>(value: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => value.apply(resolve));
}
