import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../sandbox/paths";

/** Why this machine can have none; undefined where it can. */
export const withoutPython = ((): string | undefined => {
  const asked = spawnSync("python3", [
    "-c",
    "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))",
  ]);
  return asked.status === 0
    ? undefined
    : "there is no python3 3.11 with venv (Debian: apt-get install python3-venv)";
})();

/**
 * The folder with the programs of a package from PyPI, in a virtual environment of its own in the cache, made once.
 * @param requirement `NAME==VERSION`; it names its own dependencies' versions
 */
export async function pythonPrograms(requirement: string): Promise<string> {
  const folder = join(cacheFolder(), "python", requirement.replace("==", "-"));
  const bin = join(folder, "bin");
  if (existsSync(join(folder, "complete"))) return bin;
  mkdirSync(dirname(folder), { recursive: true });
  // Its programs name the folder that they were installed in: it is made where it stays, and counts when it is whole.
  rmSync(folder, { recursive: true, force: true });
  await execa("python3", ["-m", "venv", folder]);
  await execa(join(bin, "pip"), ["install", "--quiet", "--disable-pip-version-check", requirement]);
  const done = join(folder, "complete");
  writeFileSync(`${done}.new`, "");
  renameSync(`${done}.new`, done);
  return bin;
}
