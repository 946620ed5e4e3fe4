import { readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { chooseAccelerator } from "./accelerator";
import { SandboxError } from "./errors";
import { ensureImage, type Image, imageAt } from "./image";
import { runFolder } from "./paths";
import { endProcess, firstFreePort, isOurProcess } from "./process";
import { launchQemu, refuseOvercommit } from "./launch";
import type { VmFiles } from "./qemu";
import { loadSnapshot, qmp, saveSnapshot, setRebootAction } from "./qmp";
import { ADOPTED, DEFAULT_RELEASE, type Release } from "./release";
import { type SshOptions, type SshResult, closeConnections, greets, ssh } from "./ssh";
import { type VmState, createVmFiles, knownVms, readPid, readVmState, recordVm, vmFiles } from "./vm-files";

export interface BootOptions {
  /** Names the VM's folder; one VM of a name at a time. */
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** The port on 127.0.0.1 that leads to the guest's SSH; a free one when left out. */
  readonly sshPort?: number | undefined;
  /** The port of a VM that is new, if nobody has it. */
  readonly preferredSshPort?: number;
  /** Default: that of the disk, if the VM has one, else that of the VPS. */
  readonly release?: Release | undefined;
  /** What it boots, in the place of a release: an image that was adopted. */
  readonly image?: Image | undefined;
  /** Start from a new disk, whatever an earlier VM of this name left. Default false. */
  readonly clean?: boolean;
}

/** A virtual machine that stands in for the VPS. It outlives the process that boots it; `Vm.find` finds it again. */
export class Vm {
  private constructor(
    readonly state: VmState,
    readonly files: VmFiles,
  ) {}

  /** The running VM of this name, if there is one. */
  static find(name: string): Vm | undefined {
    const state = readVmState(name);
    if (state === undefined) return undefined;
    const vm = new Vm(state, vmFiles(name));
    return vm.isRunning() ? vm : undefined;
  }

  /** Every running VM of this machine's user. */
  static list(): Vm[] {
    return knownVms().flatMap(({ name }) => Vm.find(name) ?? []);
  }

  /** Starts a VM and waits until its services run. A VM of that name that is running is an error. */
  static async boot(options: BootOptions): Promise<Vm> {
    const { name, memoryMiB, cpus } = options;
    if (Vm.find(name) !== undefined)
      throw new SandboxError(`the VM ${name} is already running`, "stop it first");
    refuseOvercommit(
      options,
      Vm.list().map(({ state }) => state),
    );
    if (options.clean === true) Vm.purge(name);
    const earlier = readVmState(name);
    const asked = options.image === undefined ? options.release : ADOPTED;
    const release = asked ?? earlier?.release ?? DEFAULT_RELEASE;
    if (earlier !== undefined) refuseOtherDisk(earlier, release, options.image?.key);
    // An existing disk goes on with the image it was made from, even when the recipe has changed since.
    const image = earlier === undefined ? await newImage(options) : imageAt(earlier.imageKey);
    await createVmFiles(name, image);
    // A VM keeps its port over a restart: whoever recorded its address goes on finding it.
    const sshPort = options.sshPort ?? (await firstFreePort([earlier?.sshPort, options.preferredSshPort]));
    const accelerator = await chooseAccelerator(image);
    const vm = new Vm(
      { name, memoryMiB, cpus, sshPort, accelerator, imageKey: image.key, release },
      vmFiles(name),
    );
    recordVm(vm.state, vm.files);
    await launchQemu(vm.state, vm.files);
    await vm.waitForBoot(600);
    return vm;
  }

  /** Forgets a stopped VM: its disk, keys and snapshots. */
  static purge(name: string): void {
    rmSync(runFolder(name), { recursive: true, force: true });
  }

  get name(): string {
    return this.state.name;
  }

  /** The guest's public host key as OpenSSH writes it: "ssh-ed25519 AAAA...". */
  get hostKey(): string {
    return readFileSync(this.files.hostKeyPublic, "utf8").trim().split(" ").slice(0, 2).join(" ");
  }

  isRunning(): boolean {
    const pid = readPid(this.files);
    return pid !== undefined && isOurProcess(pid, this.files.pidFile);
  }

  /** Runs a command line in the guest; its exit code is the caller's to judge. */
  ssh(command: string, options: SshOptions = {}): Promise<SshResult> {
    return ssh(this.files.sshConfig, command, options);
  }

  /** Runs a command line that must succeed, and returns what it printed. */
  async run(command: string, options: SshOptions = {}): Promise<string> {
    const { stdout, stderr, code } = await this.ssh(command, options);
    if (code === 0) return stdout;
    const refused = code === SSH_FAILED && stdout === "" ? await this.connectionLog() : "";
    throw new SandboxError(
      `in the guest: ${command}\nexited with ${code}\n${stdout}${stderr}${refused}`.trimEnd(),
    );
  }

  /** After a connection that failed: what the guest's SSH server and kernel say of that, once they answer again. */
  async connectionLog(): Promise<string> {
    const until = Date.now() + 120_000;
    while (this.isRunning() && Date.now() < until) {
      const told = await this.ssh(
        "uptime; systemctl show -p ActiveEnterTimestamp -p NRestarts -p Result ssh; journalctl -b -o cat -u ssh -n 8; journalctl -b -k -p warning -n 8",
        { fresh: true, timeoutSeconds: 60 },
        // What has failed before is what the caller must hear of.
      ).catch(() => undefined);
      if (told?.code === 0) return `\n${told.stdout}`;
      await sleep(1000);
    }
    return `\nand it did not answer any more:\n${this.serialTail()}`;
  }

  /** Waits until the guest takes a command over SSH. */
  async waitForSsh(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until) {
      if (!this.isRunning())
        throw new SandboxError(`the VM ${this.name} ended while it booted:\n${this.serialTail()}`);
      if (await greets(this.state.sshPort, 3000)) {
        const { code } = await this.ssh("true", { fresh: true, timeoutSeconds: Math.max(60, seconds) });
        if (code === 0) return;
      }
      await sleep(200);
    }
    throw new SandboxError(
      `the VM ${this.name} took no SSH command within ${seconds} s:\n${this.serialTail()}`,
    );
  }

  /** Waits until every service has started (or failed to), which is seconds after SSH answers. */
  async waitForBoot(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000;
    await this.waitForSsh(seconds);
    for (;;) {
      // Exits with 1 when a unit has failed; that is for the caller to find out.
      const { code, stderr } = await this.ssh("systemctl is-system-running --wait", {
        timeoutSeconds: seconds,
      });
      if (code !== SSH_FAILED) return;
      if (Date.now() > until)
        throw new SandboxError(`${this.name} took SSH commands and then none: ${stderr}${this.serialTail()}`);
      await sleep(1000);
    }
  }

  /** Saves disk, memory and devices under a name; one of that name is replaced. */
  async snapshot(label: string): Promise<void> {
    await saveSnapshot(this.files.qmpSocket, label);
  }

  /** Puts the running VM back to a snapshot, within seconds. Open SSH connections are lost. */
  async reset(label: string): Promise<void> {
    await loadSnapshot(this.files.qmpSocket, label);
    await closeConnections(this.files.sshConfig);
    await this.waitForSsh(120);
    await this.run(`date --utc --set=@${(Date.now() / 1000).toFixed(2)} >/dev/null`);
  }

  /**
   * Restarts the guest and returns when its services run again. QEMU ends with the old boot and is started
   * again: within one QEMU the second boot, and all that runs in it, takes twice as long under emulation.
   */
  async reboot(seconds = 300): Promise<void> {
    await setRebootAction(this.files.qmpSocket, "shutdown");
    // The connection may end before the answer arrives: whatever ssh says, QEMU's end tells.
    await this.ssh("systemctl reboot", { timeoutSeconds: 60 }).catch(() => undefined);
    const until = Date.now() + seconds * 1000;
    while (this.isRunning()) {
      if (Date.now() > until) throw new SandboxError(`${this.name} did not shut down within ${seconds} s`);
      await sleep(100);
    }
    await closeConnections(this.files.sshConfig);
    await launchQemu(this.state, this.files);
    await this.waitForBoot(seconds);
  }

  /** Cuts the power, and returns when the machine has booted again from what its disk holds. */
  async powerCut(seconds = 300): Promise<void> {
    await this.kill();
    await launchQemu(this.state, this.files);
    await this.waitForBoot(seconds);
  }

  /** The kernel's id of this boot (random(4)). */
  async bootId(): Promise<string> {
    return (await this.run(`cat ${bootIdFile}`)).trim();
  }

  /** Shuts the guest down in order; ends QEMU if that takes longer than `seconds`. */
  async powerOff(seconds = 60): Promise<void> {
    await qmp(this.files.qmpSocket, "system_powerdown").catch(() => undefined);
    const until = Date.now() + seconds * 1000;
    while (this.isRunning() && Date.now() < until) await sleep(200);
    await this.kill();
  }

  /** Ends QEMU at once, as a power failure would. */
  async kill(): Promise<void> {
    await closeConnections(this.files.sshConfig);
    const pid = readPid(this.files);
    if (pid !== undefined) await endProcess(pid, this.files.pidFile, 10_000);
  }

  /** The last lines of the serial console. */
  serialTail(lines = 20): string {
    try {
      return readFileSync(this.files.serialLog, "utf8").split("\n").slice(-lines).join("\n");
    } catch {
      return "(nothing on the serial console)";
    }
  }
}

/** ssh(1)'s own exit code: there was no connection, or it was lost. */
const SSH_FAILED = 255;

const bootIdFile = "/proc/sys/kernel/random/boot_id";

function refuseOtherDisk(earlier: VmState, release: VmState["release"], key: string | undefined): void {
  if (earlier.release === release && (key === undefined || key === earlier.imageKey)) return;
  const [has, asked] = [earlier.release, release].map((of) => (of === ADOPTED ? "an image" : of));
  throw new SandboxError(
    `the VM ${earlier.name} has a disk of ${has === asked ? "another image" : `${has ?? ""}, not of ${asked ?? ""}`}`,
    `take another name (--name), or remove that disk: npm run -s sandbox -- --name ${earlier.name} down --purge`,
  );
}

const newImage = async ({ image, release }: BootOptions): Promise<Image> =>
  image ?? ensureImage(undefined, release);
