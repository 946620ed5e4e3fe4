import { randomUUID } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type DeployOptions, type Verb, runEngine, stateFile } from "../../sandbox/deploy";
import type { EngineResult } from "../../sandbox/engine";
import { OvercommitError } from "../../sandbox/errors";
import type { Image } from "../../sandbox/image";
import type { Release } from "../../sandbox/release";
import { StepTimes } from "../../sandbox/step-times";
import { Vm } from "../../sandbox/vm";
import { SUITE_RELEASE, suiteImage } from "./suite-vm";

/** The suite's VM, like the VPS that it stands for. Nothing may fill its memory: this machine has little more. */
export const FULL_SIZE = {
  name: process.env["GOBLIN_HOST_E2E_VM"] ?? "e2e",
  memoryMiB: Number(process.env["GOBLIN_HOST_E2E_MEMORY_MIB"] ?? 20480),
  cpus: 2,
};

/** The VM of the tests that fill its memory. */
export const SMALL_SIZE = { name: `${FULL_SIZE.name}-small`, memoryMiB: 2048, cpus: 2 };

/**
 * A sweep's own VM. It fits beside those of both suites (refuseOvercommit), and has one processor: what is emulated then
 * need not be so that two could share it, and a process costs a third less.
 */
export const SWEEP_SIZE = { memoryMiB: 640, cpus: 1 };

/**
 * Boots a VM of a test's own, clean; `endOwn` ends it. Where the one that the suite beside this one has of its own leaves no
 * room for it, it waits until that has ended.
 */
export async function bootOwn(
  name: string,
  memoryMiB: number,
  cpus = 2,
  of?: { readonly release: Release } | { readonly image: Image },
): Promise<Vm> {
  const own = `${FULL_SIZE.name}-${name}`;
  await Vm.find(own)?.kill();
  // A test that names its own has that, whatever the others boot.
  const disk = of ?? { release: SUITE_RELEASE, image: await suiteImage() };
  const vm = await whenThereIsRoom(() => Vm.boot({ name: own, memoryMiB, cpus, ...disk, clean: true }));
  await vm.snapshot("clean");
  return vm;
}

/** The time is the hook's to bound. */
export async function whenThereIsRoom<T>(boot: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await boot();
    } catch (error) {
      if (!(error instanceof OvercommitError)) throw error;
      await sleep(2000);
    }
  }
}

/** The same, and what is made of it; a VM that cannot be made that ends at once, because others need its memory. */
export async function bootOwnAs<T>(
  name: string,
  { memoryMiB, cpus }: { memoryMiB: number; cpus: number },
  prepare: (vm: Vm) => Promise<T>,
): Promise<T> {
  const vm = await bootOwn(name, memoryMiB, cpus);
  try {
    return await prepare(vm);
  } catch (error) {
    await endOwn(vm);
    throw error;
  }
}

export async function endOwn(vm: Vm): Promise<void> {
  await vm.kill();
  Vm.purge(vm.name);
}

/** The VM that the suite's setup.ts booted. */
export function machine({ name } = FULL_SIZE): Vm {
  const vm = Vm.find(name);
  if (vm === undefined) throw new Error(`the VM ${name} is not running: the suite's setup.ts boots it`);
  return vm;
}

/** Saves the machine and the stack's state together: one without the other would be drift. */
export async function checkpoint(vm: Vm, label: string): Promise<void> {
  await vm.snapshot(label);
  for (const suffix of ["", ".key"]) {
    const saved = `${stateFile(vm)}${suffix}.${label}`;
    rmSync(saved, { force: true });
    if (existsSync(stateFile(vm) + suffix)) copyFileSync(stateFile(vm) + suffix, saved);
  }
}

/**
 * Puts machine and state back to a checkpoint; "applied" is made when it is first asked for with other overrides.
 * @param overrides of the stack's configuration, for a machine that cannot hold all of it
 */
export async function goTo(
  vm: Vm,
  label: "clean" | "applied",
  overrides: Record<string, unknown> = {},
): Promise<void> {
  const record = `${stateFile(vm)}.applied.of`;
  const wanted = JSON.stringify({ run: TEST_RUN, overrides });
  if (label === "applied" && !(existsSync(record) && readFileSync(record, "utf8") === wanted)) {
    rmSync(record, { force: true });
    await goTo(vm, "clean");
    const times = new StepTimes();
    await deploy(vm, "up", { overrides, onEvent: (event) => times.observe(event) });
    // Of what a suite's time is mostly made.
    console.log(`${vm.name}: applied ${times.inShort}`);
    // The timer's next collection may be a minute away.
    await vm.run("until ai-resource-monitor --display >/dev/null 2>&1; do sleep 1; done", {
      timeoutSeconds: 180,
    });
    await checkpoint(vm, label);
    writeFileSync(record, wanted);
    return;
  }
  await vm.reset(label);
  for (const suffix of ["", ".key"]) {
    const saved = `${stateFile(vm)}${suffix}.${label}`;
    rmSync(stateFile(vm) + suffix, { force: true });
    if (existsSync(saved)) copyFileSync(saved, stateFile(vm) + suffix);
  }
}

/** A checkpoint of another run may be of another program. */
const TEST_RUN = process.env["GOBLIN_HOST_TEST_RUN"] ?? randomUUID();

/**
 * Unless a test says otherwise: what the sandbox has as a container is a service here, and nobody looks at the host
 * before each deployment, which takes seconds there.
 */
export const USUAL = {
  "goblin-host:observe": "off",
  "goblin-host:workloads.llamacpp": {
    unit: "llamacpp.service",
    slice: "ai-llamacpp",
    memory: { max: "6GiB" },
    cpu: { quota: "150%", cores: "1" },
    io: "medium",
  },
};

/** Runs the program with the local engine. */
export function tryDeploy(vm: Vm, verb: Verb, options: DeployOptions = {}): Promise<EngineResult> {
  const overrides = { ...USUAL, ...options.overrides };
  return runEngine(verb, vm, { engine: "local", ...options, overrides });
}

/** Fails with what the engine said, and how long that took, unless it succeeds. */
export async function deploy(vm: Vm, verb: Verb, options: DeployOptions = {}): Promise<EngineResult> {
  const times = new StepTimes();
  const result = await tryDeploy(vm, verb, { onEvent: (event) => times.observe(event), ...options });
  if (result.exitCode === 0) return result;
  // A closing line has room for the first lines.
  const of = (wanted: boolean): string[] =>
    result.diagnostics
      .filter(({ severity }) => (severity === "error") === wanted)
      .map(({ severity, message }) => `${severity}: ${message.trim()}`);
  const lost = of(true).some((message) => /closed by remote host|exit status 255|timed out/i.test(message));
  const said = [...of(true), ...(lost ? [await vm.connectionLog()] : []), ...of(false)].join("\n");
  throw new Error(`${verb} ended with ${result.exitCode} (${result.summary}) ${times.inShort}\n${said}`);
}

/** After a boot: what was collected before the monitor's container answered is a failure until it is collected again. */
export function untilCollected(vm: Vm): Promise<string> {
  return vm.run(
    "for i in $(seq 60); do systemctl is-failed -q ai-resource-monitor || exit 0; sleep 2; done",
    {
      timeoutSeconds: 200,
    },
  );
}

/** The names of the bundles that were applied or removed, in order. */
export function ran(result: EngineResult): string[] {
  return result.steps
    .flatMap((step) => (step.type === "command:remote:Command" ? step.ran : []))
    .filter((text) => !/ai-resource-manager confirm /.test(text))
    .map((text) => /(?:apply|remove) ([a-z0-9-]+)/.exec(text)?.[1] ?? text);
}

/** The body of a GET to a workload in the guest, which has no HTTP client but bash. */
export function get(vm: Vm, port: number, path: string): Promise<string> {
  return vm.run(
    `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3; sed '1,/^\\r$/d' <&3`,
  );
}

/** The body of what a POST of JSON to a workload in the guest answers. */
export function post(vm: Vm, port: number, path: string, body: object): Promise<string> {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.0\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return vm.run(`exec 3<>/dev/tcp/127.0.0.1/${port}; cat >&3; sed '1,/^\\r$/d' <&3`, { stdin: head + text });
}
