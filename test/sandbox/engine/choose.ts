/** Which engine drives a stack: the real Pulumi CLI where it is installed with its plugins, else the local one. */

import { execFileSync } from "node:child_process";
import { localEngine } from "./local";
import { pulumiEngine } from "./pulumi";
import { EngineError, type Engine } from "./types";

export type EngineName = "pulumi" | "local";

/** The plugins this project pins. */
const PLUGINS: readonly [name: string, version: string][] = [
  ["command", "1.2.1"],
  ["docker", "5.2.0"],
];

export interface Installation {
  version: string;
}

/** The real CLI with both plugins, undefined if any of them is missing. */
export function findPulumi(): Installation | undefined {
  const version = output(["version"])?.trim();
  const listed = version === undefined ? undefined : output(["plugin", "ls", "--json"]);
  if (version === undefined || listed === undefined) return undefined;
  const plugins = JSON.parse(listed) as { name: string; version?: string }[];
  const has = ([name, wanted]: readonly [string, string]): boolean =>
    plugins.some((plugin) => plugin.name === name && plugin.version === wanted);
  return PLUGINS.every(has) ? { version } : undefined;
}

function output(args: string[]): string | undefined {
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    return execFileSync("pulumi", args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

/** The engine of that name; without a name the real one if it is there. Asking for an absent one is an error. */
export function chooseEngine(wanted?: EngineName): { name: EngineName; engine: Engine } {
  if (wanted === "local") return { name: "local", engine: localEngine };
  if (findPulumi() !== undefined) return { name: "pulumi", engine: pulumiEngine };
  if (wanted === undefined) return { name: "local", engine: localEngine };
  const installs = PLUGINS.map(([name, version]) => `pulumi plugin install resource ${name} ${version}`);
  throw new EngineError(
    "--engine pulumi needs the Pulumi CLI on PATH with its plugins:\n" +
      ["curl -fsSL https://get.pulumi.com | sh", ...installs].map((line) => `  ${line}`).join("\n") +
      "\nWithout them use --engine local.",
  );
}
