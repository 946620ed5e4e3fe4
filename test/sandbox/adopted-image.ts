import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { stringify } from "yaml";
import { chooseAccelerator } from "./accelerator";
import { dockerImagesArguments, ensureNode } from "./base-image";
import { SandboxError } from "./errors";
import { APPEND_FILE, ensureImage, type Image, imageAt, packOverlay } from "./image";
import { diskBytes, imageKey, packages, readGuestFiles } from "./image-recipe";
import { launchQemu, refuseOvercommit } from "./launch";
import { withLock } from "./lock";
import { readMachineApt } from "./machine-apt";
import { imagesFolder } from "./paths";
import { firstFreePort } from "./process";
import type { VmFiles } from "./qemu";
import { ADOPTED } from "./release";
import { sshArguments } from "./ssh";
import { Vm } from "./vm";
import { createVmFiles, knownVms, recordVm, type VmState, vmFiles } from "./vm-files";

/** A disk image that was not built here, and how one logs in to it. */
export interface ForeignImage {
  /** In any format of qemu-img's; its boot loader is BIOS's. */
  readonly file: string;
  /** Private key with which root may log in. Default: none; cloud-init lets us in. */
  readonly privateKey?: string | undefined;
}

/** The VM in which an image is adopted. */
const WORKSHOP = { name: "adopting", memoryMiB: 896, cpus: 2 };
/** Its own first boot, with what cloud-init does in it, under emulation. */
const BOOT_SECONDS = 1800;
/** The packages of a Debian, and what they bring, under emulation. */
const SETUP_SECONDS = 5400;

/**
 * An image like those that are built here, made of a provider's: it boots once, with our keys in it, gets the packages,
 * services and users of ours, and is kept. Its own kernel, systemd, Docker and packages are what is to be tested.
 * @param onOutput receives its progress, line by line.
 */
export async function adoptImage(
  image: ForeignImage,
  onOutput: (line: string) => void = () => undefined,
): Promise<Image> {
  const file = resolve(image.file);
  if (!existsSync(file)) throw new SandboxError(`there is no image ${file}`, "name a file with --image");
  const adopted = imageAt(`${ADOPTED}-${await keyOf(file)}`);
  if (existsSync(adopted.disk)) return adopted;
  return withLock(join(imagesFolder(), "adopt.lock"), BOOT_SECONDS + SETUP_SECONDS, async () => {
    if (existsSync(adopted.disk)) return imageAt(adopted.key);
    await Vm.find(WORKSHOP.name)?.kill();
    Vm.purge(WORKSHOP.name);
    // A build of another image removes what is unfinished of its own.
    const work = join(imagesFolder(), "adopting");
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    try {
      await makeIn(work, { ...image, file }, onOutput);
      await execa("mv", ["-T", join(work, "image"), join(imagesFolder(), adopted.key)]);
    } finally {
      await Vm.find(WORKSHOP.name)?.kill();
      Vm.purge(WORKSHOP.name);
      rmSync(work, { recursive: true, force: true });
    }
    return imageAt(adopted.key);
  });
}

/** Follows from all that it is made of. */
async function keyOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  // The recipe of one that is built here, but for the release.
  const recipe = imageKey({ sources: [], config: [], authorities: {} }, readGuestFiles());
  return createHash("sha256")
    .update(`${hash.digest("hex")} ${recipe}`)
    .digest("hex")
    .slice(0, 16);
}

async function makeIn(work: string, image: ForeignImage, onOutput: (line: string) => void): Promise<void> {
  const folder = join(work, "image");
  mkdirSync(folder);
  const { vm, config } = await bootOnce(work, image, onOutput);
  const guest = guestOf(config);
  const apt = await readMachineApt("bookworm");
  const overlay = await packOverlay(apt, await ensureNode(onOutput), work);
  onOutput("laying the sandbox's files over it");
  // Not --no-overwrite-dir: of a folder that is in the archive twice, GNU tar then leaves the rights at 0700.
  await guest("tar --extract --keep-directory-symlink --directory=/", { stdin: overlay });
  const names = packages.filter((name) => !name.startsWith("linux-image-"));
  const words = ["/opt/goblin-sandbox/adopt", ...names, "--", ...dockerImagesArguments];
  await guest(words.join(" "), { seconds: SETUP_SECONDS, onOutput });
  for (const [from, to] of [
    ["vmlinuz", "vmlinuz"],
    ["initrd.img", "initrd"],
    ["append", APPEND_FILE],
  ] as const)
    await guest(`cat /opt/goblin-sandbox/${from}`, { to: join(folder, to) });
  writeFileSync(join(folder, APPEND_FILE), readFileSync(join(folder, APPEND_FILE), "utf8").trim());
  await shutDown(vm, guest);
  onOutput("keeping its disk");
  await execa("qemu-img", ["convert", "-O", "raw", vm.files.disk, join(folder, "disk.raw")]);
}

/** Boots what is on the disk, and waits until root can log in. */
async function bootOnce(
  work: string,
  image: ForeignImage,
  onOutput: (line: string) => void,
): Promise<{ vm: Vm; config: string }> {
  const { name } = WORKSHOP;
  await createVmFiles(name, { disk: image.file, format: await formatOf(image.file), bytes: diskBytes });
  const files = vmFiles(name);
  const seed = join(work, "seed");
  mkdirSync(seed);
  writeSeed(seed, files);
  const state: VmState = {
    ...WORKSHOP,
    sshPort: await firstFreePort([undefined]),
    // Which is asked of a kernel that is known to boot.
    accelerator: await chooseAccelerator(await ensureImage(onOutput)),
    imageKey: ADOPTED,
    release: ADOPTED,
  };
  refuseOvercommit(
    state,
    knownVms().filter((vm) => Vm.find(vm.name) !== undefined),
  );
  recordVm(state, files);
  const config = loginConfig(files, image.privateKey);
  await launchQemu(state, files, { seed });
  const vm = Vm.find(name);
  if (vm === undefined) throw new SandboxError(`${image.file} did not boot: QEMU ended`);
  onOutput(`booting ${image.file}`);
  const until = Date.now() + BOOT_SECONDS * 1000;
  while (!(await letsIn(config))) {
    if (!vm.isRunning() || Date.now() > until)
      throw new SandboxError(
        `${image.file} lets nobody in as root${vm.isRunning() ? ` within ${BOOT_SECONDS} s` : ": its machine ended"}:\n${vm.serialTail()}`,
        image.privateKey === undefined
          ? "it needs cloud-init with the data source NoCloud, or --image-key with a private key that root may log in with"
          : "is that the private key of a line in /root/.ssh/authorized_keys of the image?",
      );
    await sleep(3000);
  }
  return { vm, config };
}

async function formatOf(file: string): Promise<string> {
  const { stdout } = await execa("qemu-img", ["info", "--output=json", file], { reject: false });
  try {
    return (JSON.parse(stdout) as { format: string }).format;
  } catch {
    throw new SandboxError(`${file} is no disk image that qemu-img can read`);
  }
}

/** For cloud-init's NoCloud: our keys, and root as who they are. */
function writeSeed(seed: string, files: VmFiles): void {
  const read = (path: string): string => readFileSync(path, "utf8");
  const userData = {
    disable_root: false,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: read(files.hostKey), ed25519_public: read(files.hostKeyPublic) },
    users: [{ name: "root", lock_passwd: true, ssh_authorized_keys: [read(files.clientKeyPublic).trim()] }],
    growpart: { mode: "auto", devices: ["/"] },
    resize_rootfs: true,
    // Else it would write those of its distribution in their place.
    apt: { preserve_sources_list: true },
  };
  writeFileSync(join(seed, "user-data"), `#cloud-config\n${stringify(userData)}`);
  writeFileSync(join(seed, "meta-data"), stringify({ "instance-id": "goblin", "local-hostname": "goblin" }));
}

/** Of an image that has a key already, the host's key is whatever it made: nobody else listens at that port of ours. */
function loginConfig(files: VmFiles, privateKey: string | undefined): string {
  if (privateKey === undefined) return files.sshConfig;
  const config = `${files.sshConfig}.login`;
  const text = readFileSync(files.sshConfig, "utf8")
    .replace(/^( *IdentityFile ).*$/m, `$1"${resolve(privateKey)}"`)
    .replace(/^( *UserKnownHostsFile ).*$/m, `$1"${files.knownHosts}.login"`)
    .replace(/^( *StrictHostKeyChecking ).*$/m, "$1accept-new");
  writeFileSync(config, text, { mode: 0o600 });
  return config;
}

const letsIn = async (config: string): Promise<boolean> =>
  !(await execa("ssh", [...sshArguments(config, "root", true), "true"], { reject: false, timeout: 120_000 }))
    .failed;

type Guest = (
  command: string,
  options?: {
    readonly stdin?: string;
    readonly to?: string;
    readonly seconds?: number;
    readonly onOutput?: (line: string) => void;
  },
) => Promise<void>;

/** Runs commands in it that must succeed; a file as their input or for their output. */
function guestOf(config: string): Guest {
  return async (command, { stdin, to, seconds = 600, onOutput } = {}) => {
    const child = execa("ssh", [...sshArguments(config), command], {
      ...(stdin === undefined ? { stdin: "ignore" } : { inputFile: stdin }),
      ...(to === undefined ? {} : { stdout: { file: to } }),
      all: to === undefined,
      timeout: seconds * 1000,
      reject: false,
    });
    if (onOutput !== undefined) for await (const line of child.iterable({ from: "all" })) onOutput(line);
    const result = await child;
    if (!result.failed) return;
    const said = String(to === undefined ? result.all : result.stderr)
      .split("\n")
      .slice(-12)
      .join("\n");
    throw new SandboxError(
      `the image could not be adopted: ${command} ended with ${String(result.exitCode)}\n${said}`,
    );
  };
}

async function shutDown(vm: Vm, guest: Guest): Promise<void> {
  // The connection may end before its answer.
  await guest("systemctl poweroff").catch(() => undefined);
  const until = Date.now() + 300_000;
  while (vm.isRunning()) {
    if (Date.now() > until) throw new SandboxError("the adopted image does not shut down within 300 s");
    await sleep(200);
  }
}
