/**
 * Builds dist/, which is what the package ships: the components with their declarations, and beside them what they
 * read: the parts of the host's manager, the host's command, and the context of the monitor's image.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { buildMonitor } from "./build-monitor";

const root = dirname(import.meta.dirname);
const dist = join(root, "dist");
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
const parts = readFileSync(join(root, "host", "PARTS"), "utf8").split("\n");
for (const part of [
  "PARTS",
  "ai-resource-guard",
  "ai-resource-monitor",
  ...parts.filter((name) => name !== ""),
])
  copy(join("host", part));
await buildMonitor(join(dist, "monitor", "dist"));

function copy(path: string): void {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  cpSync(join(root, path), join(dist, path));
}
