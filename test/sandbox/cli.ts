import { spawnSync } from "node:child_process";
import { totalmem } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { runEngine } from "./deploy";
import { EngineError, type EngineName, renderReceipts } from "./engine";
import { readEnforcement, renderEnforcement } from "./enforcement";
import { SandboxError } from "./errors";
import { sshArguments } from "./ssh";
import { DEFAULT_RELEASE, type Release, RELEASES } from "./release";
import { renderTable } from "../../cli/table";
import { bringUp } from "./up";
import { Vm } from "./vm";

/**
 * Where the VM has just booted its old disk, the monitor's container is only starting, which takes an emulated machine
 * longer than a collection is waited for. What it says in the end is what it says the last time.
 */
const FIRST_DISPLAY = `timeout 120 sh -c 'until ai-resource-monitor --collect; do sleep 1; done' >/dev/null 2>&1 ||
  ai-resource-monitor --collect >/dev/null && ai-resource-monitor --display`;

interface Options {
  readonly name: string;
  readonly memory: number;
  readonly cpus: number;
  readonly port?: number;
  readonly engine?: EngineName;
  readonly release?: Release;
  readonly image?: string;
  readonly imageKey?: string;
}

const cli = new Command("sandbox")
  .description(
    "A disposable Debian VM that stands in for the VPS. Without a command: boot it and apply the program.",
  )
  .option("--name <vm>", "which VM", plainName, "sandbox")
  .option("--memory <MiB>", "memory of a VM that is not running yet", atLeastOne, defaultMemoryMiB())
  .option("--cpus <n>", "processors of a VM that is not running yet", atLeastOne, 2)
  .option(
    "--port <n>",
    "its SSH port on 127.0.0.1 (default: the one it had, else 2222, else any)",
    atLeastOne,
  )
  .addOption(
    new Option("--engine <name>", "what runs the program (default: pulumi if installed)").choices([
      "pulumi",
      "local",
    ]),
  )
  .addOption(
    new Option(
      "--release <name>",
      `Debian release of a VM that has no disk yet (default: ${DEFAULT_RELEASE})`,
    )
      .choices(RELEASES)
      .conflicts("image"),
  )
  .option(
    "--image <file>",
    "cloud image of a VM that has no disk yet: a distribution with apt, and cloud-init or --image-key",
  )
  .option("--image-key <file>", "private key with which root may log in to that image")
  .enablePositionalOptions()
  .action(async () => {
    const { vm, result } = await bringUp(settings());
    const receipts = renderReceipts(result?.diagnostics ?? []);
    console.log(`\n${receipts}`);
    await printEnforcement(vm);
    // The last round may be of before the last limits.
    const display = await vm.run(FIRST_DISPLAY);
    console.log(`\n${display}`.trimEnd());
    console.log(`\nThe VM stays up:  npm run -s sandbox -- ssh | verify | reboot | destroy | down`);
  });

cli
  .command("boot")
  .description("boot the VM, apply nothing")
  .action(async () => {
    const { vm } = await bringUp(settings(), false);
    console.log(`ssh -F ${vm.files.sshConfig} vm`);
  });

cli
  .command("preview")
  .description("what `up` would change")
  .option("--expect-no-changes", "exit code 7 when there is something")
  .action(async ({ expectNoChanges = false }: { expectNoChanges?: boolean }) => {
    const { engine } = cli.opts<Options>();
    const result = await runEngine("preview", running(), {
      engine,
      expectNoChanges,
      display: process.stdout,
    });
    process.exitCode = result.exitCode;
  });

cli
  .command("destroy")
  .description("take everything that the program applied off the VM")
  .action(async () => {
    const { engine } = cli.opts<Options>();
    const result = await runEngine("destroy", running(), { engine, display: process.stdout });
    process.exitCode = result.exitCode;
  });

cli
  .command("ssh")
  .description("run a command in the VM (output and exit code are the command's), or open a shell")
  .argument("[command...]")
  .passThroughOptions()
  .allowUnknownOption()
  .action((words: string[]) => {
    inGuest(words);
  });

cli
  .command("verify")
  .description("compare what is declared with the files and the kernel, in the VM")
  .action(() => {
    inGuest([
      "command -v ai-resource-manager >/dev/null || { echo 'nothing is applied' >&2; exit 2; };",
      "ai-resource-manager verify --table",
    ]);
  });

cli
  .command("kernel")
  .description("the table of what the kernel enforces")
  .action(() => printEnforcement(running()));

for (const [verb, description] of [
  ["snapshot", "keep disk and memory as they are now"],
  ["reset", "go back to a snapshot"],
] as const) {
  cli
    .command(verb)
    .description(description)
    .argument("[label]", "name of the snapshot", plainName, "base")
    .action((label: string) => running()[verb](label));
}

cli
  .command("reboot")
  .description("restart the VM and wait until it is back")
  .action(() => running().reboot());

cli
  .command("status")
  .description("the VMs that are running")
  .action(() => {
    const rows = Vm.list().map(({ name, state, files }) => {
      const { memoryMiB, cpus, accelerator, sshPort } = state;
      return [
        name,
        `${memoryMiB} MiB`,
        `${cpus}`,
        accelerator,
        `127.0.0.1:${sshPort}`,
        `ssh -F ${files.sshConfig} vm`,
      ];
    });
    const headings = ["vm", "memory", "cpus", "accelerator", "ssh", "command"];
    process.stdout.write(rows.length === 0 ? "no VM is running\n" : renderTable(headings, rows));
  });

cli
  .command("down")
  .description("shut the VM down")
  .option("--purge", "remove its disk, keys and stack too")
  .action(async ({ purge = false }: { purge?: boolean }) => {
    const { name } = cli.opts<Options>();
    await Vm.find(name)?.powerOff();
    if (purge) Vm.purge(name);
  });

/** The 20 GiB of the VPS, or what this machine can give: memory is taken only as the guest touches it. */
function defaultMemoryMiB(): number {
  const machineMiB = Math.floor(totalmem() / 1024 ** 2);
  return Math.max(2048, Math.min(20 * 1024, machineMiB - 2048));
}

function settings(): Parameters<typeof bringUp>[0] {
  const { name, memory, cpus, port, engine, release, image, imageKey } = cli.opts<Options>();
  if (imageKey !== undefined && image === undefined)
    throw new SandboxError("--image-key is of an image", "name the image, too: --image FILE");
  return {
    ...{ name, memoryMiB: memory, cpus, sshPort: port, engine, release },
    image: image === undefined ? undefined : { file: image, privateKey: imageKey },
  };
}

function running(): Vm {
  const { name } = cli.opts<Options>();
  const vm = Vm.find(name);
  if (vm === undefined) throw new SandboxError(`the VM ${name} is not running`, "npm run sandbox");
  return vm;
}

function inGuest(words: readonly string[]): void {
  // ssh asks for a terminal by itself when there is no command.
  const result = spawnSync("ssh", [...sshArguments(running().files.sshConfig), ...words], {
    stdio: "inherit",
  });
  process.exitCode = result.status ?? 255;
}

async function printEnforcement(vm: Vm): Promise<void> {
  const rows = await readEnforcement(vm);
  process.stdout.write(rows.length === 0 ? "nothing is applied\n" : renderEnforcement(rows));
  const wrong = rows.filter(({ verdict }) => verdict === "DIFFERS");
  if (wrong.length === 0) return;
  throw new SandboxError(
    `the kernel does not enforce ${wrong.length} of ${rows.length}`,
    "npm run -s sandbox -- verify",
  );
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

/** A name that is safe as a folder and as a word of a monitor command. */
function plainName(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(text))
    throw new InvalidArgumentError("Small letters, digits and dashes, please.");
  return text;
}

cli.parseAsync().catch((error: unknown) => {
  if (!(error instanceof SandboxError) && !(error instanceof EngineError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
