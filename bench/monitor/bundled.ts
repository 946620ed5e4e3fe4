import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { request, type RequestOptions } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Roots } from "../../monitor/host/roots";

/** The options that the image runs Node.js with. */
const NODE_OPTIONS = ((): string[] => {
  const dockerfile = readFileSync(join(import.meta.dirname, "../../monitor/Dockerfile"), "utf8");
  return [...dockerfile.matchAll(/"(--[^"]+)"/g)].map(([, option]) => option ?? "");
})();

/** The bundled monitor as a process of its own, with a run folder that nobody else has. */
export class BundledMonitor {
  private constructor(
    private readonly child: ChildProcess,
    private readonly socketPath: string,
    /** Milliseconds until it answered HTTP. */
    readonly startMilliseconds: number,
  ) {}

  /** @param node the program that runs it */
  static async start(
    node: string,
    bundle: string,
    roots: Roots,
    configFile: string,
  ): Promise<BundledMonitor> {
    rmSync(roots.run, { recursive: true, force: true });
    const paths = Object.entries(roots as unknown as Record<string, string>);
    const options = paths.flatMap(([name, path]) => [`--path.${name}`, path]);
    const socketPath = join(roots.run, "monitor.sock");
    const started = performance.now();
    const child = spawn(node, [...NODE_OPTIONS, bundle, "serve", "--config", configFile, ...options], {
      stdio: "inherit",
    });
    // What goes wrong meanwhile ends the benchmark, and is to leave nothing that runs.
    const end = () => child.kill();
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    while (!existsSync(socketPath)) {
      if (child.exitCode !== null) throw new Error(`the monitor ended with ${child.exitCode}`);
      await sleep(1);
    }
    return new BundledMonitor(child, socketPath, performance.now() - started);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Milliseconds until there are numbers to be had. */
  async firstAnswer(): Promise<number> {
    const started = performance.now();
    const isAnswered = () => this.metrics().then(Boolean, () => false);
    while (!(await isAnswered())) await sleep(2);
    return performance.now() - started;
  }

  metrics(): Promise<string> {
    return get({ socketPath: this.socketPath, path: "/metrics" });
  }

  async collect(): Promise<void> {
    await get({ socketPath: this.socketPath, path: "/collect", method: "POST" });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGTERM");
    await ended;
  }
}

/** The text of an answer that is 200, on a connection of its own. */
export function get(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ ...options, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${options.path ?? ""} answers ${response.statusCode ?? 0}`));
      });
    })
      .on("error", reject)
      .end();
  });
}
