/**
 * Bundles the monitor into one file, monitor/dist/ai-resource-monitor.js, which is all that its image adds to Node, and
 * makes that folder the context of its image.
 * The contents depend on the sources and the locked packages alone: two checkouts give the same bytes, and so the
 * same image.
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { buildPage } from "./build-page";

const root = dirname(import.meta.dirname);

/** Returns the bundle's path. */
export async function buildMonitor(folder = join(root, "monitor", "dist")): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const outfile = join(folder, "ai-resource-monitor.js");
  const { page, inputs } = await buildPage();
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["monitor/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    define: { AIRM_VERSION: JSON.stringify(version), AIRM_PAGE: JSON.stringify(page) },
    banner: { js: "#!/usr/bin/env node" },
    // Unminified, the text would carry where each package lies.
    minify: true,
    // Names are given out in the order of paths, which a link to packages elsewhere would change.
    preserveSymlinks: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  writeFileSync(
    join(folder, "THIRD-PARTY-LICENSES.txt"),
    licenses([...Object.keys(metafile.inputs), ...inputs]),
  );
  copyFileSync(join(root, "monitor", "Dockerfile"), join(folder, "Dockerfile"));
  return outfile;
}

/** The licenses of the packages in the bundle, which must go where the bundle goes. */
function licenses(inputs: readonly string[]): string {
  const packages = inputs.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(packages)]
    .sort()
    .map((name) => {
      const home = join(root, "node_modules", name);
      const { version, license } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
        version: string;
        license?: string;
      };
      const file = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : `\n\n${readFileSync(join(home, file), "utf8").trim()}`;
      return `${name} ${version} (${license ?? "no license named"})${text}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

if (process.argv[1] === import.meta.filename) await buildMonitor();
