/**
 * Builds dist/, which is what the package ships: the components with their declarations, and the parts of the host's
 * manager, which the components read from beside themselves.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
const parts = readFileSync(join(root, "host", "PARTS"), "utf8").split("\n");
for (const part of ["PARTS", ...parts.filter((name) => name !== "")]) {
  mkdirSync(dirname(join(dist, "host", part)), { recursive: true });
  cpSync(join(root, "host", part), join(dist, "host", part));
}
