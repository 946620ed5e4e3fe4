import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { SandboxError } from "./errors";

/** A program that the sandbox runs, and the Debian package that has it. */
const programs: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  ssh: "openssh-client",
  flock: "util-linux",
  tar: "tar",
};

/** A file that must exist, and the Debian package that has it. */
const files: Readonly<Record<string, string>> = {
  "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
};

/** Programs that only a user other than root needs: to build the image without privileges. */
const unprivileged: Readonly<Record<string, string>> = { fakeroot: "fakeroot", newuidmap: "uidmap" };

/** The Debian packages this machine still needs, sorted. */
export function missingPackages(
  has: { program: (name: string) => boolean; file: (path: string) => boolean } = machine,
  root = isRoot(),
): string[] {
  const wanted = root ? programs : { ...programs, ...unprivileged };
  const missing = [
    ...Object.entries(wanted).filter(([name]) => !has.program(name)),
    ...Object.entries(files).filter(([path]) => !has.file(path)),
  ];
  return [...new Set(missing.map(([, packageName]) => packageName))].sort();
}

/**
 * Installs what is missing with apt, as root or with `sudo -n`.
 * @returns what was installed; empty when nothing was missing.
 * @throws SandboxError with the apt command to run, where this user may not install.
 */
export async function ensurePrerequisites(): Promise<string[]> {
  if (process.arch !== "x64" || process.platform !== "linux") {
    throw new SandboxError(
      `the sandbox runs on Linux on x86-64; this is ${process.platform} on ${process.arch}`,
      "use a Linux machine, or point `pulumi up` at a Debian 12 host of your own",
    );
  }
  const missing = missingPackages();
  if (missing.length === 0) return [];
  const byHand = `sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (!machine.program("apt-get")) {
    throw new SandboxError(
      `this machine lacks ${missing.join(", ")} (Debian's names) and has no apt-get`,
      "install their counterparts with this system's package manager",
    );
  }
  const prefix = isRoot() ? [] : ["sudo", "-n"];
  if (prefix.length > 0 && (await execa("sudo", ["-n", "true"], { reject: false })).failed) {
    throw new SandboxError(`this machine lacks ${missing.join(", ")}, and sudo asks for a password`, byHand);
  }
  await apt(prefix, ["update"], byHand);
  await apt(prefix, ["install", "--yes", "--no-install-recommends", ...missing], byHand);
  const still = missingPackages();
  if (still.length > 0)
    throw new SandboxError(`apt installed nothing usable for ${still.join(", ")}`, byHand);
  return missing;
}

/** Another apt run may hold a lock, and of the two only dpkg's is one that apt-get itself waits for. */
const LOCK_SECONDS = 120;

async function apt(prefix: readonly string[], args: readonly string[], byHand: string): Promise<void> {
  // `env` because sudo does not pass our environment on.
  const command = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"];
  const options = ["-o", `DPkg::Lock::Timeout=${LOCK_SECONDS}`];
  const deadline = Date.now() + LOCK_SECONDS * 1000;
  for (;;) {
    const result = await execa("env", [...command, ...options, ...args], { reject: false, all: true });
    if (!result.failed) return;
    if (!/^E: Could not get lock/m.test(result.all) || Date.now() > deadline) {
      throw new SandboxError(
        `apt-get ${args.join(" ")} failed:\n${result.all.split("\n").slice(-12).join("\n")}`,
        byHand,
      );
    }
    await sleep(2000);
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Debian keeps mke2fs in /usr/sbin, which a user's PATH lacks. */
export const searchPath = (): string => `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;

const machine = {
  program: (name: string): boolean =>
    searchPath()
      .split(delimiter)
      .some((folder) => folder !== "" && readable(join(folder, name), constants.X_OK)),
  file: (path: string): boolean => readable(path, constants.R_OK),
};

function readable(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
