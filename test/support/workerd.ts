import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../sandbox/paths";

const HERE = join(import.meta.dirname, "workerd");

/**
 * Cloudflare's runtime for Workers, of the version and with the digests in `workerd/package-lock.json`. It is loaded into the cache when
 * it is first asked for: 140 MB, which nobody who only deploys needs.
 */
export async function workerd(): Promise<string> {
  const { dependencies } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8")) as {
    dependencies: { workerd: string };
  };
  const folder = join(cacheFolder(), "workerd", dependencies.workerd);
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    const work = mkdtempSync(`${folder}-`);
    try {
      for (const file of ["package.json", "package-lock.json"])
        copyFileSync(join(HERE, file), join(work, file));
      await execa("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: work });
      renameSync(work, folder);
    } catch (error) {
      // Another one was first.
      if (!existsSync(folder)) throw error;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const { default: program } = createRequire(join(folder, "package.json"))("workerd") as { default: string };
  return program;
}
