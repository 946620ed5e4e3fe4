/**
 * Bundles the monitor into one file, monitor/dist/ai-resource-monitor.js, which is all that its image adds to Node.
 * The contents depend on the sources and the locked packages alone: two checkouts give the same bytes, and so the
 * same image.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const root = dirname(import.meta.dirname);

/** Returns the bundle's path. */
export async function buildMonitor(folder = join(root, "monitor", "dist")): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const outfile = join(folder, "ai-resource-monitor.js");
  await build({
    absWorkingDir: root,
    entryPoints: ["monitor/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    define: { AIRM_VERSION: JSON.stringify(version) },
    banner: { js: "#!/usr/bin/env node" },
    // Unminified, the text would carry where each package lies.
    minify: true,
    // Names are given out in the order of paths, which a link to packages elsewhere would change.
    preserveSymlinks: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return outfile;
}

if (process.argv[1] === import.meta.filename) await buildMonitor();
