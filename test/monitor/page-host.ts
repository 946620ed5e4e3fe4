import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MonitorConfig } from "../../monitor/config/schema";
import { FixtureHost, SERVICES } from "./fixture-host";

const OLLAMA = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
const LLAMACPP = "cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service";
/** In a second of this host; two of its four CPUs are busy. */
const STAT = { user: 170, system: 30, idle: 200 };
const MODELS = [
  { name: "qwen2.5-coder:14b", size: 11_274_289_152, size_vram: 10_737_418_240 },
  { name: "llama3.2:3b", size: 3_435_973_837, size_vram: 3_221_225_472 },
];

/** A card that goes on telling. */
const NVIDIA_SMI = `#!/bin/sh
case "$1" in
--query-gpu=*) line="0, GPU-aaaa, NVIDIA L4, 550.90.07, 45, 24576, 14745.6, 61, 55.12, 72.00, [N/A]" ;;
--query-compute-apps=*) line="GPU-aaaa, 500, 8192" ;;
esac
echo "$line"
case "$*" in *--loop=*) while sleep 1; do echo "$line"; done ;; esac
`;

/** A fixture that lives: its counters go on, its Ollama answers, and the bundled monitor serves it on a port of loopback. */
export class PageHost {
  readonly host = new FixtureHost("systemd");
  /** What its Ollama has loaded. */
  models: readonly object[] = MODELS;
  private monitor: ChildProcess | undefined;
  private readonly engine: Server;
  private readonly ticker: NodeJS.Timeout;
  private seconds = 0;
  private port = 0;

  constructor(private readonly bundle: string) {
    this.host.write("proc/uptime", readFileSync("/proc/uptime", "utf8"));
    for (const folder of ["srv/models", "etc"])
      mkdirSync(join(this.host.roots.rootfs, folder), { recursive: true });
    this.host.write("nvidia-smi", NVIDIA_SMI);
    chmodSync(join(this.host.folder, "nvidia-smi"), 0o755);
    this.engine = createHttpServer((_request, response) =>
      response.end(JSON.stringify({ models: this.models })),
    );
    this.tick();
    this.ticker = setInterval(() => {
      this.seconds += 0.25;
      this.tick();
    }, 250);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** The address of its Ollama, which answers from now on. */
  async ollama(): Promise<string> {
    if (!this.engine.listening)
      await new Promise<void>((resolve) => this.engine.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.engine.address() as AddressInfo).port}`;
  }

  /** @param more beside what every test has */
  async start(more: MonitorConfig = {}, environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const engine = await this.ollama();
    this.port ||= await freePort();
    const config: MonitorConfig = {
      host: "goblin",
      intervalSeconds: 1,
      services: (SERVICES ?? []).map((service) =>
        service.name === "ollama"
          ? { ...service, ollama: engine, health: { http: engine }, vramThreshold: 90 }
          : service,
      ),
      alerts: { forSeconds: 0 },
      gpu: { command: join(this.host.folder, "nvidia-smi") },
      listen: { address: "127.0.0.1", port: this.port },
      ...more,
    };
    this.host.write("config.json", JSON.stringify(config));
    const roots = Object.entries(this.host.roots as unknown as Record<string, string>);
    this.monitor = spawn(
      process.execPath,
      [
        ...nodeOptions(),
        this.bundle,
        "serve",
        ...roots.flatMap(([name, path]) => [`--path.${name}`, path]),
        ...["--config", join(this.host.folder, "config.json")],
      ],
      { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...environment } },
    );
    await this.until(() => existsSync(join(this.host.roots.run, "collected")));
  }

  get pid(): number {
    return this.monitor?.pid ?? 0;
  }

  async stop(): Promise<void> {
    const { monitor } = this;
    this.monitor = undefined;
    if (monitor === undefined || monitor.exitCode !== null) return;
    const ended = new Promise((resolve) => monitor.once("exit", resolve));
    monitor.kill("SIGTERM");
    await ended;
  }

  async dispose(): Promise<void> {
    clearInterval(this.ticker);
    await this.stop();
    this.engine.close();
    this.engine.closeAllConnections();
    this.host.dispose();
  }

  /** The service has no processes any more. */
  stopService(): void {
    this.put(`${LLAMACPP}/cgroup.events`, "populated 0\nfrozen 0\n");
  }

  /** A folder stands where an output goes, which no rename replaces. */
  blockOutputs(): void {
    const path = join(this.host.roots.run, "display.txt");
    rmSync(path);
    mkdirSync(join(path, "full"), { recursive: true });
  }

  /** One service comes near to its limit. */
  fillService(): void {
    this.put(`${LLAMACPP}/memory.current`, "7328599655\n");
  }

  /** A day of records, a minute apart, with an hour without and what a crash tore. */
  writeHistory(now = Date.now()): void {
    const lines = Array.from({ length: 1440 }, (_, minute) => record(now - (1440 - minute) * 60_000, minute));
    lines.splice(700, 60, '{"time":"2025-12-08T10:30');
    mkdirSync(join(this.host.roots.state, "history"), { recursive: true });
    writeFileSync(join(this.host.roots.state, "history", "history-00000001.jsonl"), `${lines.join("\n")}\n`);
  }

  /** What the manager tells. */
  writeManager(now = Date.now()): void {
    const seconds = Math.floor(now / 1000);
    this.put("manager/last-verify.json", JSON.stringify({ time: seconds - 3600, exitCode: 0, findings: 0 }));
    const id = new Date(now - 7_200_000).toISOString().replace(/[-:]|\.[0-9]+/g, "");
    const [startedAt, appliedAt] = [seconds - 7200, seconds - 7100];
    this.put("manager/deployment.json", JSON.stringify({ id, startedAt, appliedAt, bundles: ["ollama"] }));
    const limits = ["MemoryMax", "MemoryHigh", "CPUQuotaPerSecUSec", "AllowedCPUs", "Slice"];
    const rows = ["ollama", "llamacpp", "local-llm-proxy"].flatMap((name) =>
      [...limits, "IOWeight"].map((limit) =>
        [
          name,
          `${name}.service`,
          limit,
          limit === "IOWeight" && name === "llamacpp" ? "inert" : "enforced",
        ].join("\t"),
      ),
    );
    this.put("manager/limits.tsv", `${rows.join("\n")}\n`);
  }

  /** In one rename: the monitor reads at any moment. */
  put(path: string, text: string): void {
    this.host.write(`${path}.new`, text);
    renameSync(join(this.host.folder, `${path}.new`), join(this.host.folder, path));
  }

  async until(condition: () => boolean): Promise<void> {
    for (let attempt = 0; !condition(); attempt++) {
      if (attempt > 1500) throw new Error(`waited too long for ${condition.toString()}`);
      await sleep(20);
    }
  }

  private tick(): void {
    const at = (begin: number, perSecond: number) => Math.floor(begin + this.seconds * perSecond);
    const { user, system, idle } = STAT;
    const cpu = (name: string, parts: number) =>
      `${name} ${at(400_000 / parts, user / parts)} 0 ${at(80_000 / parts, system / parts)} ${at(3_500_000 / parts, idle / parts)} 12000 0 0 0 0 0\n`;
    const cpus = [0, 1, 2, 3].map((index) => cpu(`cpu${index}`, 4)).join("");
    this.put("proc/stat", `${cpu("cpu", 1)}${cpus}btime 1765180800\n`);
    for (const [folder, cores] of [
      [OLLAMA, 1.3],
      [LLAMACPP, 0.4],
    ] as const)
      this.put(
        `${folder}/cpu.stat`,
        `usage_usec ${at(6e7, cores * 1e6)}\nuser_usec ${at(45e6, cores * 8e5)}\nsystem_usec ${at(15e6, cores * 2e5)}\nnr_periods 500\nnr_throttled 20\nthrottled_usec 750000\n`,
      );
  }
}

function record(time: number, minute: number): string {
  const wave = (base: number, height: number, period: number, phase = 0) =>
    Math.round(
      (base + height * Math.sin((minute / period) * 2 * Math.PI + phase) + 0.02 * Math.sin(minute * 1.7)) *
        1e4,
    ) / 1e4;
  const part = (value: number) => Math.min(1, Math.max(0, value));
  const service = (memory: number, cpu: number, waiting: number) => ({
    usedBytes: null,
    memory: part(memory),
    cpu: part(cpu),
    waiting: part(waiting),
  });
  return JSON.stringify({
    time: `${new Date(time).toISOString().slice(0, 19)}Z`,
    memory: part(wave(0.62, 0.12, 480)),
    swap: part(wave(0.12, 0.04, 700)),
    cpu: part(wave(0.45, 0.3, 240)),
    disk: 0.45,
    rootDisk: 0.31,
    load: Math.max(0, wave(1.6, 0.9, 240)),
    oomKills: 0,
    services: {
      ollama: service(wave(0.5, 0.2, 480), wave(0.6, 0.35, 240), minute % 97 === 0 ? 0.12 : 0.004),
      llamacpp: service(
        wave(0.35, 0.05, 300) + Math.max(0, minute - 1380) * 0.01,
        wave(0.25, 0.12, 180, 2),
        0,
      ),
      "local-llm-proxy": service(wave(0.25, 0.02, 900), wave(0.06, 0.03, 60), 0),
    },
    gpus: [
      {
        gpu: "0",
        utilization: part(wave(0.5, 0.4, 240)),
        memoryUsedBytes: 1,
        memory: part(wave(0.55, 0.1, 480)),
      },
    ],
    firing: [],
  });
}

/** V8's, of the image: what is measured is what runs there. */
export function nodeOptions(): string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, "../../monitor/Dockerfile"), "utf8");
  const [, text = "[]"] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  return (JSON.parse(text) as string[]).slice(1, -1);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
