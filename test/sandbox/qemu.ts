/** The files and sockets of one VM. */
export interface VmFiles {
  readonly disk: string;
  readonly hostKey: string;
  readonly hostKeyPublic: string;
  readonly clientKey: string;
  readonly clientKeyPublic: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  readonly state: string;
  readonly serialLog: string;
  readonly pidFile: string;
  readonly qmpSocket: string;
  readonly controlSocket: string;
}

/** `kvm` is the processor itself, `tcg` its emulation: ten times slower, and it works everywhere. */
export type Accelerator = "kvm" | "tcg";

export interface MachineShape {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly sshPort: number;
  readonly accelerator: Accelerator;
}

/** What a machine boots instead of what a boot loader on its disk would. */
export interface Kernel {
  readonly kernel: string;
  readonly initrd: string;
  /** Where its root filesystem is, and how its network interfaces are called. */
  readonly append: string;
}

const kernelArguments = ["rw", "console=ttyS0", "quiet", "panic=10"];

/**
 * What an emulated machine is told, too. `mitigations=off`: the work-arounds for processor faults cost time and protect
 * nothing. `norandmaps`: what QEMU has translated is found by its address, so a process whose libraries lie elsewhere
 * than the last one's is translated anew; without that a process costs a half to a third of the time.
 */
const emulatedKernelArguments = ["mitigations=off", "norandmaps"];

/**
 * The arguments of qemu-system-x86_64, which then runs on its own and outlives its starter.
 * @param boots a kernel, or what is on its disk, with a folder for cloud-init beside it (NoCloud)
 */
export function qemuArguments(
  shape: MachineShape,
  boots: Kernel | { readonly seed: string },
  files: VmFiles,
): string[] {
  return [
    ...["-name", `goblin-host-${shape.name}`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"],
    ...["-accel", shape.accelerator === "kvm" ? "kvm" : "tcg,thread=multi"],
    ...["-cpu", shape.accelerator === "kvm" ? "host" : "max"],
    ...["-smp", `${shape.cpus}`, "-m", `${shape.memoryMiB}M`],
    // unsafe: a flush in the guest need not reach this machine's disk. The VM is disposable.
    ...[
      "-drive",
      `if=none,id=root,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap,file=${files.disk}`,
    ],
    ...["-device", "virtio-blk-pci,drive=root"],
    ...("seed" in boots ? seedDisk(boots.seed) : kernelOf(boots, shape.accelerator)),
    ...["-netdev", `user,id=net,hostfwd=tcp:127.0.0.1:${shape.sshPort}-:22`],
    ...["-device", "virtio-net-pci,netdev=net"],
    ...["-device", "virtio-rng-pci"],
    // Memory that the guest frees goes back to this machine.
    ...["-device", "virtio-balloon-pci,free-page-reporting=on"],
    ...["-fw_cfg", `name=opt/goblin/host-key,file=${files.hostKey}`],
    ...["-fw_cfg", `name=opt/goblin/client-key,file=${files.clientKeyPublic}`],
    ...["-serial", `file:${files.serialLog}`],
    ...["-qmp", `unix:${files.qmpSocket},server=on,wait=off`],
    ...["-pidfile", files.pidFile, "-daemonize"],
  ];
}

function kernelOf({ kernel, initrd, append }: Kernel, accelerator: Accelerator): string[] {
  const all = [append, ...kernelArguments, ...(accelerator === "kvm" ? [] : emulatedKernelArguments)];
  return ["-kernel", kernel, "-initrd", initrd, "-append", all.join(" ")];
}

/** The label is how cloud-init finds it. */
function seedDisk(folder: string): string[] {
  const disk = `driver=vvfat,node-name=seed,dir=${folder.replaceAll(",", ",,")},label=CIDATA,read-only=on`;
  return ["-blockdev", disk, "-device", "virtio-blk-pci,drive=seed"];
}

/** The line of known_hosts(5) for a public key file's text ("ssh-ed25519 AAAA... comment"). */
export function knownHostsLine(sshPort: number, publicKey: string): string {
  const [type = "", key = ""] = publicKey.trim().split(" ");
  return `[127.0.0.1]:${sshPort} ${type} ${key}\n`;
}

/** `ssh -F FILE vm` reaches the VM and accepts no other host key, whatever the user's own configuration says. */
export function sshConfig(sshPort: number, files: VmFiles): string {
  return `Host vm
  HostName 127.0.0.1
  Port ${sshPort}
  User root
  IdentityFile "${files.clientKey}"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "${files.knownHosts}"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
  ServerAliveInterval 30
  ServerAliveCountMax 10
  ConnectTimeout 60
  ControlPath "${files.controlSocket}"
  ControlMaster auto
  ControlPersist 600
`;
}
