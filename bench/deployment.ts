/**
 * `npm run bench:deployment [VM]`: what a first deployment costs a small host, bundle by bundle and each over a
 * connection of its own, as Pulumi's commands do it; then what a deployment without changes costs, and `status --json`.
 * Containers are left out: building and starting them is Docker's. The VM is booted unless it is there, and stays.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { readYaml } from "../cli/pulumi-yaml";
import { readStackFile } from "../cli/stack-file";
import { hostBundles } from "../components/goblin-host/bundles";
import { bundleCommands } from "../components/host-bundle/commands";
import type { SentBundle } from "../components/host-bundle/sent";
import { type Cost, costOf } from "../test/e2e/support/cost";
import { USUAL } from "../test/e2e/support/machine";
import { SMALL } from "../test/e2e/support/small-host";
import { stack, vmOverrides } from "../test/sandbox/deploy";
import { override } from "../test/sandbox/engine/overrides";
import type { PropertyMap } from "../test/sandbox/engine/values";
import { ensurePrerequisites } from "../test/sandbox/prerequisites";
import { Vm } from "../test/sandbox/vm";

const root = dirname(import.meta.dirname);
/** It waits for the monitor's container. */
const LEFT_OUT = ["monitor-timer"];
/** For a guest of 1.5 GiB. */
const SETTINGS = { ...USUAL, ...SMALL, "goblin-host:workloads.llamacpp.memory.max": "256MiB" };
const STATUS = "ai-resource-manager status --json";

async function bench(name: string): Promise<void> {
  await ensurePrerequisites();
  const vm = Vm.find(name) ?? (await boot(name));
  await vm.reset("clean");
  const sent = bundlesOf(vm).filter((bundle) => !LEFT_OUT.includes(bundle.name));
  const first: Cost[] = [];
  for (const bundle of sent) {
    const cost = await costOf(vm, () => deploy(vm, bundle));
    print(bundle.name, cost);
    first.push(cost);
  }
  print("FIRST DEPLOYMENT", sum(first));
  const again: Cost[] = [];
  for (const bundle of sent) again.push(await costOf(vm, () => deploy(vm, bundle)));
  print("each again, unchanged", sum(again));
  await vm.run(STATUS);
  print("status --json", await costOf(vm, () => vm.run(STATUS)));
  print("a new SSH connection", await costOf(vm, () => vm.run("true", { fresh: true })));
}

async function boot(name: string): Promise<Vm> {
  const vm = await Vm.boot({ name, memoryMiB: 1536, cpus: 2, clean: true });
  await vm.snapshot("clean");
  return vm;
}

/** The sandbox's stack with the small host's settings. */
function bundlesOf(vm: Vm): SentBundle[] {
  const { config } = readYaml(readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8"), stack) as {
    config: PropertyMap;
  };
  for (const [key, value] of Object.entries({ ...vmOverrides(vm), ...SETTINGS }))
    override(config, key, value);
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-bench-"));
  try {
    writeFileSync(join(folder, `Pulumi.${stack}.yaml`), stringify({ config }));
    const { hosts } = readStackFile(stack, folder);
    return hosts.flatMap((host) => hostBundles(host, { project: "goblin-host", stack }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Applies it, and confirms it where that is asked for. */
async function deploy(vm: Vm, { name, text, digest }: SentBundle): Promise<void> {
  const { apply, confirm } = bundleCommands(name);
  await vm.run(apply, { stdin: text, fresh: true, timeoutSeconds: 900 });
  if (text.includes("\nconfirm: ")) await vm.run(confirm, { stdin: digest, fresh: true });
}

function sum(costs: readonly Cost[]): Cost {
  const total = (of: (cost: Cost) => number): number => costs.reduce((all, cost) => all + of(cost), 0);
  return {
    seconds: total(({ seconds }) => seconds),
    processes: total(({ processes }) => processes),
    aptRuns: total(({ aptRuns }) => aptRuns),
    reloads: total(({ reloads }) => reloads),
  };
}

function print(what: string, { seconds, processes, aptRuns, reloads }: Cost): void {
  console.log(
    `${what.padEnd(28)} ${seconds.toFixed(1).padStart(6)} s ${String(processes).padStart(6)} processes ` +
      `${String(aptRuns).padStart(3)} apt-get ${String(reloads).padStart(3)} reloads`,
  );
}

bench(process.argv[2] ?? "bench").catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
