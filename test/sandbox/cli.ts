import { spawnSync } from "node:child_process";
import { Command, InvalidArgumentError } from "commander";
import { SandboxError } from "./errors";
import { ensureImage } from "./image";
import { ensurePrerequisites } from "./prerequisites";
import { sshArguments } from "./ssh";
import { Vm } from "./vm";

const program = new Command("sandbox")
  .description("A disposable Debian VM that stands in for the VPS")
  .option("--name <vm>", "which VM", "sandbox")
  .option("--memory <MiB>", "guest memory of a new VM", positive, 20480)
  .option("--cpus <n>", "virtual CPUs of a new VM", positive, 2)
  .option("--port <n>", "port on 127.0.0.1 for SSH", positive)
  .enablePositionalOptions();

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("a whole number above 0 is needed.");
  return value;
}

const options = (): { name: string; memory: number; cpus: number; port?: number } => program.opts();

function running(): Vm {
  const vm = Vm.find(options().name);
  if (vm === undefined) throw new SandboxError(`the VM ${options().name} is not running`, "npm run sandbox");
  return vm;
}

program
  .command("boot")
  .description("boot the VM, apply nothing")
  .action(async () => {
    const { name, memory, cpus, port } = options();
    await ensurePrerequisites();
    await ensureImage((line) => {
      console.log(line);
    });
    const vm =
      Vm.find(name) ?? (await Vm.boot({ name, memoryMiB: memory, cpus, ...(port && { sshPort: port }) }));
    console.log(`${name} is up: ssh -F ${vm.files.sshConfig} vm`);
  });

program
  .command("ssh")
  .description("run a command in the VM; its output and exit code are the command's")
  .argument("[command...]")
  .passThroughOptions()
  .allowUnknownOption()
  .action((words: string[]) => {
    const result = spawnSync("ssh", [...sshArguments(running().files.sshConfig), ...words], {
      stdio: "inherit",
    });
    process.exitCode = result.status ?? 255;
  });

for (const verb of ["snapshot", "reset"] as const) {
  program
    .command(verb)
    .argument("[label]", "name of the snapshot", "base")
    .action((label: string) => running()[verb](label));
}

program.command("reboot").action(() => running().reboot());

program
  .command("down")
  .option("--purge", "remove its disk and keys too")
  .action(async ({ purge }: { purge?: true }) => {
    await Vm.find(options().name)?.powerOff();
    if (purge) Vm.purge(options().name);
  });

program.command("status").action(() => {
  for (const { name, state, files } of Vm.list()) {
    console.log(
      `${name}: ${state.memoryMiB} MiB, ${state.cpus} CPUs, ${state.accelerator}, port ${state.sshPort}, ${files.sshConfig}`,
    );
  }
});

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof SandboxError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
