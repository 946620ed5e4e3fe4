import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { SandboxError } from "./errors";
import { withLock } from "./lock";

/** A package of the npm registry, at one version and with one content. */
export interface NpmPackage {
  readonly package: string;
  readonly version: string;
  /** As `npm view PACKAGE@VERSION dist.integrity` prints it: sha512 and base64. */
  readonly integrity: string;
}

/** Twice what 50 MB take on a slow line: the wait for another process that loads the same package. */
const lockSeconds = 600;

/**
 * Loads files of a package on first use and keeps them in `folder`, whose name must follow from the version and the
 * files. Nothing of the package is run.
 * @param paths in the package: "bin/node"
 * @returns the folder that has them
 */
export async function ensureNpmPackage(
  wanted: NpmPackage,
  { folder, paths }: { folder: string; paths: readonly string[] },
  onOutput: (line: string) => void = () => undefined,
): Promise<string> {
  const found = join(folder, "package");
  if (existsSync(found)) return found;
  return withLock(`${folder}.lock`, lockSeconds, async () => {
    if (existsSync(found)) return found;
    const work = `${folder}.unfinished`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    onOutput(`npm pack ${wanted.package}@${wanted.version}`);
    const archive = await pack(wanted, work);
    const members = paths.map((path) => `package/${path}`);
    await execa("tar", ["--extract", `--file=${archive}`, "--directory", work, ...members]);
    rmSync(archive);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
    return found;
  });
}

/** Loads the package's archive into `folder`; what is not the expected one is an error. */
async function pack(wanted: NpmPackage, folder: string): Promise<string> {
  const spec = `${wanted.package}@${wanted.version}`;
  const packed = await execa("npm", ["pack", "--silent", "--pack-destination", folder, spec], {
    reject: false,
    all: true,
    stdin: "ignore",
  });
  const archives = readdirSync(folder);
  const [archive] = archives;
  if (packed.failed || archive === undefined || archives.length > 1) {
    throw new SandboxError(
      `the npm package ${spec} could not be loaded:\n${packed.all.split("\n").slice(-8).join("\n")}`,
      `check that this machine reaches its npm registry: npm view ${spec}`,
    );
  }
  const path = join(folder, archive);
  const found = `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}`;
  if (found !== wanted.integrity)
    throw new SandboxError(`the npm package ${spec} is another one than expected: ${found}`);
  return path;
}
