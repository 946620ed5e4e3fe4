import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../sandbox/paths";

/** Programs that tests and benchmarks run beside ours, and the Debian package that has them. */
const PACKAGES = {
  promtool: "prometheus",
  prometheus: "prometheus",
  amtool: "prometheus-alertmanager",
  "prometheus-alertmanager": "prometheus-alertmanager",
  "prometheus-node-exporter": "prometheus-node-exporter",
} as const;
export type DebianProgram = keyof typeof PACKAGES;

/** Whether this machine can have them: what is no Debian skips the tests that need one. */
export const hasApt = existsSync("/usr/bin/apt-get") && existsSync("/usr/bin/dpkg-deb");

/**
 * A program out of its Debian package, which is unpacked in the cache and not installed: nothing of it starts by itself.
 * @throws Error where apt cannot load the package
 */
export async function debianProgram(name: DebianProgram): Promise<string> {
  const folder = join(cacheFolder(), "debian", PACKAGES[name]);
  const program = join(folder, "usr/bin", name);
  if (existsSync(program)) return program;
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const download = () =>
      execa("apt-get", ["--quiet", "download", PACKAGES[name]], { cwd: work, reject: false });
    // A machine that is fresh has no lists.
    if ((await download()).failed) {
      await execa("apt-get", ["--quiet", "update"]);
      const { failed, stderr } = await download();
      if (failed) throw new Error(`apt-get download ${PACKAGES[name]}: ${stderr}`);
    }
    const [archive = ""] = readdirSync(work).filter((file) => file.endsWith(".deb"));
    await execa("dpkg-deb", ["--extract", archive, "root"], { cwd: work });
    try {
      renameSync(join(work, "root"), folder);
    } catch (error) {
      // Another one was first.
      if (!existsSync(program)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

/** Whether this user may lay a package's files over this machine's, for one process and what it starts. */
export const mayOverlay =
  hasApt &&
  spawnSync("unshare", ["--mount", "mount", "-t", "overlay", "overlay", "-o", "lowerdir=/usr:/etc", "/usr"])
    .status === 0;

/**
 * The command that runs a program which looks for its package's files below /usr/share: it sees them there, and nobody else does.
 * Only where {@link mayOverlay}.
 */
export async function withItsFiles(name: DebianProgram): Promise<[string, ...string[]]> {
  const program = await debianProgram(name);
  const share = join(dirname(dirname(program)), "share");
  const script = `mount -t overlay overlay -o lowerdir=${share}:/usr/share /usr/share && exec "$0" "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, program];
}
