import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { type NpmPackage, ensureNpmPackage } from "../npm-package";
import { cacheFolder } from "../paths";

/**
 * llama.cpp v0.5.0, built for npm's node-llama-cpp: its libraries and a Node addon over them, and no llama-server. They
 * need glibc 2.34 and libstdc++ of GCC 12 (Debian 12 has 2.36, and 12). Not a dependency: node-llama-cpp has 40 MB of
 * its own and a script that runs at installation, of which nothing is needed, and only what starts the engine pays.
 */
const engine: NpmPackage = {
  package: "@node-llama-cpp/linux-x64",
  version: "3.22.1",
  integrity:
    "sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==",
};

/**
 * Of the fourteen variants of the CPU's library only the one that any x86-64 runs. QEMU emulates AVX2 and FMA since 7.2, and
 * the engine would choose the variant for it (haswell); older ones do not, and the same variant everywhere rounds alike.
 */
const VARIANT = "x64";
const LIBRARIES = [
  "libggml-base.so",
  `libggml-cpu-${VARIANT}.so`,
  "libggml.v0.5.0.so",
  "libllama-common.so",
  "libllama.v0.5.0.so",
  "llama-addon.node",
].map((file) => `bins/linux-x64/${file}`);

/** The server's file in the engine's folder, for Node: see server/main.ts. */
export const SERVER = "llama-server.mjs";

/**
 * Puts the engine and its server into `folder`, 14 MB, from where any Node of version 20 or later runs it. The engine is
 * loaded on first use (11 MB) and kept.
 */
export async function installEngine(folder: string): Promise<void> {
  const cache = join(cacheFolder(), "llamacpp", `${engine.version}-${VARIANT}`);
  const found = await ensureNpmPackage(engine, { folder: cache, paths: LIBRARIES });
  mkdirSync(folder, { recursive: true });
  for (const path of LIBRARIES) copyFileSync(join(found, path), join(folder, basename(path)));
  await build({
    entryPoints: [join(import.meta.dirname, "server", "main.ts")],
    outfile: join(folder, SERVER),
    bundle: true,
    platform: "node",
    target: "node20.11",
    format: "esm",
    logLevel: "warning",
  });
}
