/** Runs the program as Pulumi's language host does: its own launcher in a child process. */

import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Project } from "./config";

/** The launcher's exit code for an error that the program has already logged. */
export const EXIT_ALREADY_REPORTED = 32;

/** How long a program whose run has failed may take to end by itself, and then after an interrupt. */
const GRACE_MS = 2_000;
const INTERRUPT_GRACE_MS = 5_000;

export interface Launch {
  project: Project;
  stack: string;
  organization: string;
  config: Record<string, string>;
  /** The keys in which something is a secret. */
  secrets: string[];
  dryRun: boolean;
  /** Of both the ResourceMonitor and the Engine service. */
  address: string;
  env: NodeJS.ProcessEnv;
  /** A line of the program's own output. */
  onLine: (line: string) => void;
}

export interface Program {
  /** The exit code; a signal counts as 1. */
  ended: Promise<number>;
  /** Ends a program that does not end by itself. */
  stop(): Promise<void>;
}

export function launch(options: Launch): Program {
  const { project } = options;
  const require = createRequire(join(project.pwd, "index.ts"));
  const flags: Record<string, string> = {
    monitor: options.address,
    engine: options.address,
    organization: options.organization,
    project: project.name,
    "root-directory": project.root,
    stack: options.stack,
    pwd: project.pwd,
  };
  const args = [
    ...project.nodeArgs,
    require.resolve("@pulumi/pulumi/cmd/run"),
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ...(options.dryRun ? ["--dry-run"] : []),
    "--parallel",
    "16",
    project.entryPoint,
  ];
  // The language host hands keys over in their old form; the SDK reads both.
  const config = Object.entries(options.config).map(([key, value]) => [key.replace(":", ":config:"), value]);
  const child = spawn(process.execPath, args, {
    cwd: project.pwd,
    env: {
      ...options.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config)),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(options.secrets),
      ...(project.typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
      ...(project.tsconfig !== undefined && { PULUMI_NODEJS_TSCONFIG_PATH: project.tsconfig }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  forwardLines(child, options.onLine);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
  return { ended, stop: () => stop(child, ended) };
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
    });
    stream?.on("end", () => {
      if (rest !== "") onLine(rest);
    });
  }
}

async function stop(child: ChildProcess, ended: Promise<number>): Promise<void> {
  const timers = [
    setTimeout(() => child.kill("SIGINT"), GRACE_MS),
    setTimeout(() => child.kill("SIGKILL"), GRACE_MS + INTERRUPT_GRACE_MS),
  ];
  await ended;
  timers.forEach(clearTimeout);
}
