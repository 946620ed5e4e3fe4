/**
 * Makes the monitor's page one document that needs nothing else: its script and its style stand in it, and their hashes are
 * what its Content-Security-Policy allows. Contents depend on the sources and the locked packages alone.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { BuiltPage } from "../monitor/http/page";

const root = dirname(import.meta.dirname);

export interface PageBuild {
  readonly page: BuiltPage;
  /** Paths of what it is made of, for the licenses. */
  readonly inputs: readonly string[];
}

export async function buildPage(): Promise<PageBuild> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["monitor/page/main.ts", "monitor/page/page.css"],
    outdir: "page",
    write: false,
    bundle: true,
    platform: "browser",
    target: ["chrome110", "firefox115", "safari16"],
    format: "iife",
    minify: true,
    preserveSymlinks: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const textOf = (end: string): string =>
    outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? "";
  const [script, style] = [textOf("main.js"), textOf("page.css")];
  const template = readFileSync(join(root, "monitor", "page", "page.html"), "utf8")
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
  const html = put(put(template, "script", script), "style", style);
  return {
    page: {
      html,
      version: createHash("sha256").update(html).digest("hex").slice(0, 16),
      script: hashOf(script),
      style: hashOf(style),
    },
    inputs: Object.keys(metafile.inputs),
  };
}

/** Into the one empty element of that name. */
function put(html: string, tag: string, text: string): string {
  const empty = `<${tag}></${tag}>`;
  const [before, after, ...more] = html.split(empty);
  if (text === "" || before === undefined || after === undefined || more.length > 0)
    throw new Error(`monitor/page: page.html needs one ${empty}, and something to put there`);
  if (text.toLowerCase().includes(`</${tag}`)) throw new Error(`monitor/page: the ${tag} would end itself`);
  return `${before}<${tag}>${text}</${tag}>${after}`;
}

/** As a policy names it. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
