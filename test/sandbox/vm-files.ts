import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { runFolder, runsFolder, socketFolder } from "./paths";
import { ADOPTED, DEFAULT_RELEASE, RELEASES } from "./release";
import { type VmFiles, knownHostsLine, sshConfig } from "./qemu";

/** What a VM's folder records about it. */
export type VmState = z.output<typeof VmState>;
export const VmState = z.strictObject({
  name: z.string(),
  memoryMiB: z.number(),
  cpus: z.number(),
  sshPort: z.number(),
  accelerator: z.enum(["kvm", "tcg"]),
  imageKey: z.string(),
  /** Of its disk, unless that is an image of somebody else's. */
  release: z.enum([...RELEASES, ADOPTED]).default(DEFAULT_RELEASE),
});

/** Where the files of the VM `name` are. */
export function vmFiles(name: string): VmFiles {
  const folder = runFolder(name);
  const file = (base: string): string => join(folder, base);
  const short = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return {
    disk: file("disk.qcow2"),
    hostKey: file("host_ed25519"),
    hostKeyPublic: file("host_ed25519.pub"),
    clientKey: file("id_ed25519"),
    clientKeyPublic: file("id_ed25519.pub"),
    knownHosts: file("known_hosts"),
    sshConfig: file("ssh_config"),
    state: file("state.json"),
    serialLog: file("serial.log"),
    pidFile: file("qemu.pid"),
    qmpSocket: join(socketFolder(), `${short}.qmp`),
    controlSocket: join(socketFolder(), `${short}-%r`),
  };
}

/**
 * Makes the VM's disk (what the image has, until the guest writes) and its keys, where they are missing.
 * @param image its disk, the format of that, and the size of the VM's where it is to be larger
 */
export async function createVmFiles(
  name: string,
  { disk, format = "raw", bytes }: { disk: string; format?: string; bytes?: number },
): Promise<VmFiles> {
  const files = vmFiles(name);
  mkdirSync(runFolder(name), { recursive: true, mode: 0o700 });
  if (!existsSync(files.disk)) {
    const unfinished = `${files.disk}.unfinished`;
    const size = bytes === undefined ? [] : [`${bytes}`];
    await execa("qemu-img", [
      ...["create", "-q", "-f", "qcow2", "-F", format, "-b", disk, unfinished, ...size],
    ]);
    renameSync(unfinished, files.disk);
  }
  for (const key of [files.clientKey, files.hostKey]) {
    if (existsSync(key)) continue;
    const unfinished = `${key}.unfinished`;
    await execa("rm", ["-f", unfinished, `${unfinished}.pub`]);
    await execa("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      `goblin-host-${name}`,
      "-f",
      unfinished,
    ]);
    renameSync(`${unfinished}.pub`, `${key}.pub`);
    renameSync(unfinished, key);
  }
  return files;
}

/** Writes what depends on the port: how to reach the VM and whom to expect there. */
export function recordVm(state: VmState, files: VmFiles): void {
  writeFileSync(files.knownHosts, knownHostsLine(state.sshPort, readFileSync(files.hostKeyPublic, "utf8")));
  writeFileSync(files.sshConfig, sshConfig(state.sshPort, files));
  chmodSync(files.sshConfig, 0o600);
  writeFileSync(`${files.state}.unfinished`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${files.state}.unfinished`, files.state);
}

/** The recorded state of the VM `name`; undefined when there is none, or none that this version wrote. */
export function readVmState(name: string): VmState | undefined {
  try {
    return VmState.safeParse(JSON.parse(readFileSync(vmFiles(name).state, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** The recorded state of every VM whose folder exists, running or not. */
export function knownVms(): VmState[] {
  try {
    return readdirSync(runsFolder()).flatMap((name) => readVmState(name) ?? []);
  } catch {
    return [];
  }
}

/** The process id that QEMU wrote for the VM; undefined when it never started. */
export function readPid(files: VmFiles): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(files.pidFile, "utf8"), 10);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
