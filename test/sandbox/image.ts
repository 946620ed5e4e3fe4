import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { dockerImagesArguments, ensureNode } from "./base-image";
import { SandboxError } from "./errors";
import {
  diskBytes,
  excludedPaths,
  guestFolder,
  imageKey,
  installable,
  packages,
  readGuestFiles,
} from "./image-recipe";
import { withLock } from "./lock";
import { type MachineApt, readMachineApt, seenFromGuest } from "./machine-apt";
import { imagesFolder } from "./paths";
import { searchPath } from "./prerequisites";
import { ADOPTED, DEFAULT_RELEASE, type Release } from "./release";
import type { Kernel } from "./qemu";
import { knownVms } from "./vm-files";

/** An image: the read-only disk that every VM's own disk starts from, and what boots it. */
export interface Image extends Kernel {
  readonly key: string;
  readonly disk: string;
}

/** In the folder of an image whose root filesystem is elsewhere: `Kernel.append`. */
export const APPEND_FILE = "append";

/** Twice what a build takes on a slow machine: the wait for another process that builds the same image. */
const lockSeconds = 900;

/**
 * A release's image, built on first use (about a minute) and kept. A build that was killed leaves a folder
 * that the next build removes; two builds at once are one build and a wait.
 * @param onOutput receives the build's progress, line by line.
 */
export async function ensureImage(
  onOutput: (line: string) => void = () => undefined,
  release: Release = DEFAULT_RELEASE,
): Promise<Image> {
  const apt = await readMachineApt(release);
  const key = imageKey(apt, readGuestFiles(), release);
  const image = imageAt(key);
  if (existsSync(image.disk)) return image;
  return withLock(join(imagesFolder(), "build.lock"), lockSeconds, async () => {
    if (existsSync(image.disk)) return image;
    await removeUnfinished();
    const work = mkdtempSync(join(imagesFolder(), "unfinished-"));
    await build(release, apt, work, onOutput);
    renameSync(join(work, "image"), join(imagesFolder(), key));
    await removeUnfinished();
    await removeUnused(key);
    return image;
  });
}

/** Where the image `key` is or would be. */
export function imageAt(key: string): Image {
  const folder = join(imagesFolder(), key);
  return {
    key,
    disk: join(folder, "disk.raw"),
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd"),
    append: readAppend(folder),
  };
}

function readAppend(folder: string): string {
  const file = join(folder, APPEND_FILE);
  return existsSync(file) ? readFileSync(file, "utf8") : "root=/dev/vda net.ifnames=0";
}

async function build(
  release: Release,
  apt: MachineApt,
  work: string,
  onOutput: (line: string) => void,
): Promise<void> {
  mkdirSync(join(work, "image"));
  mkdirSync(join(work, "tmp"), { mode: 0o1777 });
  const overlay = await packOverlay(apt, await ensureNode(onOutput), work);
  const run = runner(work, onOutput);
  await run("mmdebstrap", [
    "--variant=minbase",
    `--include=${packages.join(",")}`,
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...apt.config.map((line) => `--aptopt=${line}`),
    `--customize-hook=tar-in ${quote(overlay)} /`,
    // The package lists and apt's index of them stay, as on a provider's machine: under emulation a full
    // `apt-get update` takes 18 s.
    "--skip=cleanup/apt/lists,cleanup/apt/cache",
    '--customize-hook=chroot "$1" sh /opt/goblin-sandbox/setup-own',
    '--customize-hook=chroot "$1" sh /opt/goblin-sandbox/setup',
    `--customize-hook=chroot "$1" /opt/goblin-sandbox/apt-lists.sh ${installable.join(" ")}`,
    `--customize-hook=chroot "$1" /opt/goblin-sandbox/docker-images.sh ${dockerImagesArguments.join(" ")}`,
    release,
    join(work, "root.tar"),
    ...apt.sources,
  ]);
  // Without root, fakeroot remembers the owners from the archive and mke2fs asks it for them.
  const script = [
    "set -eu",
    "mkdir root",
    "tar --extract --file=root.tar --directory=root --numeric-owner",
    "cp root/boot/vmlinuz-* image/vmlinuz",
    "cp root/boot/initrd.img-* image/initrd",
    // The file is new, so its blocks read as zeros: nothing is left for the guest to initialize.
    `mke2fs -q -t ext4 -E assume_storage_prezeroed=1 -L goblin -d root image/disk.raw ${diskBytes / 1024}k`,
  ].join("\n");
  const shell = ["sh", "-c", script];
  await (isRoot ? run("env", shell) : run("fakeroot", shell));
}

/** The guest tree, Node for its Docker images, and what this machine knows about its package mirror: owned by root. */
export async function packOverlay(apt: MachineApt, node: string, work: string): Promise<string> {
  const overlay = join(work, "overlay.tar");
  const extra = join(work, "overlay");
  const authorities = join(extra, "usr/local/share/ca-certificates");
  const aptConfig = join(extra, "etc/apt/apt.conf.d");
  mkdirSync(authorities, { recursive: true });
  mkdirSync(aptConfig, { recursive: true });
  for (const [name, text] of Object.entries(apt.authorities)) writeFileSync(join(authorities, name), text);
  // Overrides what mmdebstrap stored for itself: a later file wins.
  writeFileSync(join(aptConfig, "99zz-sandbox"), `${seenFromGuest(apt.config).join("\n")}\n`);
  mkdirSync(join(extra, "opt/goblin-sandbox"), { recursive: true });
  copyFileSync(node, join(extra, "opt/goblin-sandbox/node"));
  const rights = ["--owner=0", "--group=0", "--mode=u=rwX,go=rX"];
  const trees = [guestFolder, extra].flatMap((folder) => ["--directory", folder, "."]);
  await execa("tar", ["--create", `--file=${overlay}`, ...rights, ...trees]);
  return overlay;
}

/** Without root, mmdebstrap works as a user that may not enter our folders, so it keeps to its own /tmp. */
export const isRoot = process.getuid?.() === 0;

type Run = (program: string, args: readonly string[]) => Promise<void>;

/** Runs programs in the folder of a build; one that fails ends it. */
export function runner(work: string, onOutput: (line: string) => void): Run {
  return async (program, args) => {
    const child = execa(program, args, {
      cwd: work,
      env: { PATH: searchPath(), LC_ALL: "C", ...(isRoot && { TMPDIR: join(work, "tmp") }) },
      reject: false,
      all: true,
      stdin: "ignore",
    });
    for await (const line of child.iterable({ from: "all" })) onOutput(line);
    const result = await child;
    if (!result.failed) return;
    const tail = result.all.split("\n").slice(-15).join("\n");
    throw new SandboxError(
      `the image could not be built: ${program} exited with ${result.exitCode ?? result.signal ?? "no code"}\n${tail}`,
      "check that this machine can install Debian packages (apt-get update) and has 4 GiB of disk free, then try again",
    );
  };
}

async function removeUnfinished(): Promise<void> {
  for (const name of readdirSync(imagesFolder()).filter((entry) => entry.startsWith("unfinished-"))) {
    // A killed build may have left something mounted below: stay on this file system.
    await execa("rm", ["-rf", "--one-file-system", join(imagesFolder(), name)]);
  }
}

/**
 * Images of older recipes that no VM starts from. Not those of today: another checkout may be about to. One that was adopted
 * takes longer to make, and is kept for a month.
 */
async function removeUnused(key: string): Promise<void> {
  const used = new Set([key, ...knownVms().map(({ imageKey }) => imageKey)]);
  const day = 24 * 3600 * 1000;
  for (const entry of readdirSync(imagesFolder(), { withFileTypes: true })) {
    const folder = join(imagesFolder(), entry.name);
    const kept = (entry.name.startsWith(`${ADOPTED}-`) ? 30 : 1) * day;
    if (!entry.isDirectory() || used.has(entry.name) || statSync(folder).mtimeMs > Date.now() - kept)
      continue;
    await execa("rm", ["-rf", "--one-file-system", folder]);
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
