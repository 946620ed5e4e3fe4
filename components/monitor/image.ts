import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** monitor/dist lies beside components/ in a checkout, and beside the compiled components in the package. */
const FOLDER = join(__dirname, "..", "..", "monitor", "dist");

/** What the monitor's image is built from. */
export interface MonitorImage {
  /** The build's context, relative to the program's folder: no machine's path is an input. */
  readonly context: string;
  /** Over contents alone: two checkouts have the same. */
  readonly hash: string;
}

/** @throws Error when the bundle has not been built, with the command that builds it */
export function monitorImage(folder: string = FOLDER): MonitorImage {
  if (!existsSync(join(folder, "Dockerfile")))
    throw new Error("the monitor has not been built: run npm run build:monitor");
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).sort()) {
    const content = readFileSync(join(folder, file));
    hash.update(`${file}\n${content.length}\n`).update(content);
  }
  return { context: contextOf(folder), hash: hash.digest("hex").slice(0, 12) };
}

/** What must be proven anew when it changes: the image, and what the monitor was told to watch. */
export function monitorRevision(image: MonitorImage, baseImage: string, config: string): string {
  return shortDigest(image.hash, baseImage, config);
}

/** Twelve digits name a version for people; nothing depends on their being unguessable. */
export function shortDigest(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

/** In a checkout the engine runs in the folder of Pulumi.yaml, wherever this process happens to stand. */
function contextOf(folder: string): string {
  const inCheckout = existsSync(join(folder, "..", "..", "Pulumi.yaml"));
  return inCheckout ? "monitor/dist" : relative(process.cwd(), folder);
}

/** The text of the host's command ai-resource-monitor. */
export function monitorCommand(): string {
  return readFileSync(join(FOLDER, "..", "..", "host", "ai-resource-monitor"), "utf8");
}
