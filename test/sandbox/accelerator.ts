import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { Image } from "./image";
import { cacheFolder } from "./paths";
import type { Accelerator } from "./qemu";

/** A working KVM gets through the probe in one second; a nested one that hangs is ended after this. */
const probeMilliseconds = 8000;

/**
 * KVM if it works here, else emulation. That /dev/kvm is there says little: inside another virtual machine it may
 * stop on the first instruction that the outer one does not emulate (seen with cmpxchg16b). So a kernel is booted
 * once for each boot of this machine. `GOBLIN_SANDBOX_ACCEL=kvm|tcg` decides instead.
 */
export async function chooseAccelerator(image: Image): Promise<Accelerator> {
  const forced = process.env["GOBLIN_SANDBOX_ACCEL"];
  if (forced === "kvm" || forced === "tcg") return forced;
  if (!usable("/dev/kvm")) return "tcg";
  const answerFile = join(cacheFolder(), "accelerator.json");
  const machineBoot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const known = readAnswer(answerFile);
  if (known?.machineBoot === machineBoot) return known.accelerator;
  const accelerator = (await kernelRunsUnderKvm(image)) ? "kvm" : "tcg";
  mkdirSync(cacheFolder(), { recursive: true });
  writeFileSync(answerFile, JSON.stringify({ machineBoot, accelerator }));
  return accelerator;
}

/** The kernel finds no init, panics and, with panic=-1 and -no-reboot, ends QEMU with success. */
async function kernelRunsUnderKvm(image: Image): Promise<boolean> {
  const machine = [
    "-accel",
    "kvm",
    "-cpu",
    "host",
    "-smp",
    "2",
    "-m",
    "512",
    "-nodefaults",
    "-display",
    "none",
  ];
  const kernel = [
    "-kernel",
    image.kernel,
    "-initrd",
    image.initrd,
    "-append",
    "quiet panic=-1 rdinit=/bin/false",
  ];
  const result = await execa("qemu-system-x86_64", [...machine, "-no-reboot", ...kernel], {
    reject: false,
    stdin: "ignore",
    timeout: probeMilliseconds,
    killSignal: "SIGKILL",
  });
  return !result.failed;
}

function readAnswer(file: string): { machineBoot: string; accelerator: Accelerator } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { machineBoot: string; accelerator: Accelerator };
  } catch {
    return undefined;
  }
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
