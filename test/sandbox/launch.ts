import { rmSync } from "node:fs";
import { totalmem } from "node:os";
import { execa } from "execa";
import { OvercommitError, SandboxError } from "./errors";
import { imageAt } from "./image";
import { type VmFiles, qemuArguments } from "./qemu";
import type { VmState } from "./vm-files";

/**
 * Starts QEMU for a VM whose files exist. It goes on without us; its pid file says where.
 * @param boots default: its image's kernel
 */
export async function launchQemu(
  state: VmState,
  files: VmFiles,
  boots: Parameters<typeof qemuArguments>[1] = imageAt(state.imageKey),
): Promise<void> {
  rmSync(files.pidFile, { force: true });
  const args = qemuArguments(state, boots, files);
  const result = await execa("qemu-system-x86_64", args, { reject: false, all: true });
  if (!result.failed) return;
  throw new SandboxError(
    `QEMU did not start: ${result.all}`,
    `is port ${state.sshPort} in use by something else?`,
  );
}

/** Guest memory is taken page by page, but two large guests that fill it would end in this machine's OOM killer. */
export function refuseOvercommit(
  { name, memoryMiB }: { name: string; memoryMiB: number },
  running: readonly VmState[],
  machineMiB = Math.floor(totalmem() / 1024 ** 2),
): void {
  const taken = running.reduce((sum, vm) => sum + vm.memoryMiB, 0);
  if (taken + memoryMiB <= machineMiB) return;
  const others = running.map((vm) => `${vm.name} (${vm.memoryMiB} MiB)`).join(", ");
  throw new (others === "" ? SandboxError : OvercommitError)(
    `the VM ${name} wants ${memoryMiB} MiB; this machine has ${machineMiB} MiB` +
      (others === "" ? "" : `, and these VMs are running: ${others}`),
    others === ""
      ? "choose a smaller --memory"
      : "stop them (npm run sandbox -- down), or choose a smaller --memory",
  );
}
