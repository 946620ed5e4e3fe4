/**
 * `npm run bench:monitor`: holds the bundled monitor to its budget, natively, over a host with three services, and
 * exits 1 when it is over. docs/monitor.md has the numbers. It needs procfs, so Linux.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request, type RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { renderMonitorConfig } from "../monitor/config/schema";
import { buildMonitor } from "../scripts/build-monitor";
import type { Roots } from "../monitor/host/roots";
import { FixtureHost, SERVICES } from "../test/monitor/fixture-host";
import { debianProgram, hasApt } from "../test/support/debian-programs";
import { freePort } from "../test/support/free-port";

const BUDGET = {
  startMilliseconds: 200,
  firstAnswerMilliseconds: 500,
  timesNodeExporter: 1,
  cycleMilliseconds: 5,
  corePercent: 1,
  rssMegabytes: 70,
  hostCommandTimesCat: 3,
};
const STARTS = 7;
const SPACED = 20;
const BURST = 500;
/** Of each of the two that are measured in turns. */
const SCRAPES = 60;

// The run folder is memory on a host too: on a disk, creating and renaming the outputs takes longer than all the rest.
if (existsSync("/dev/shm")) process.env.TMPDIR = "/dev/shm";
const folder = mkdtempSync(join(tmpdir(), "airm-bench-"));
const host = new FixtureHost("systemd");
try {
  process.exitCode = await run();
} finally {
  host.dispose();
  rmSync(folder, { recursive: true });
}

async function run(): Promise<number> {
  const bundle = await buildMonitor(folder);
  const config = join(folder, "config.json");
  writeFileSync(
    config,
    renderMonitorConfig({ intervalSeconds: 3600, ...(SERVICES && { services: SERVICES }) }),
  );
  const often = join(folder, "often.json");
  writeFileSync(often, renderMonitorConfig({ intervalSeconds: 1, ...(SERVICES && { services: SERVICES }) }));
  const argumentsOf = (roots: Roots, file = config) => [
    ...nodeOptions(),
    bundle,
    "serve",
    "--config",
    file,
    ...Object.entries(roots as unknown as Record<string, string>).flatMap(([name, path]) => [
      `--path.${name}`,
      path,
    ]),
  ];
  const args = argumentsOf(host.roots);
  // Services of the fixture's, on this machine.
  const real = argumentsOf(
    { ...host.roots, procfs: "/proc", sysfs: "/sys", rootfs: "/", etc: "/etc" },
    often,
  );

  const starts: number[] = [];
  const answers: number[] = [];
  for (let index = 0; index < STARTS; index++) {
    const { child, milliseconds } = await start(args);
    starts.push(milliseconds);
    answers.push(milliseconds + (await firstAnswer()));
    await stop(child);
  }
  const beside = await besideNodeExporter(real);

  const { child } = await start(args);
  const pid = child.pid ?? 0;
  while (!existsSync(join(host.roots.run, "collected"))) await sleep(10);
  const before = cpuMilliseconds(pid);
  const cycles: number[] = [];
  for (let index = 0; index < SPACED; index++) {
    await sleep(1000);
    const started = mainThreadMilliseconds(pid);
    await collect();
    cycles.push(mainThreadMilliseconds(pid) - started);
  }
  const cpu = (cpuMilliseconds(pid) - before) / SPACED;
  const rss = megabytes(pid, "VmRSS");
  for (let index = 0; index < BURST; index++) await collect();
  const rssLater = megabytes(pid, "VmRSS");
  await stop(child);
  writeFileSync(join(host.roots.run, "collected"), `${uptime()} 3600 0 -\n`);
  const times = hostCommandTimesCat();

  const rows: [string, number, number, string][] = [
    // Other load on the machine only adds to a start.
    [`start until it answers HTTP (least of ${STARTS})`, Math.min(...starts), BUDGET.startMilliseconds, "ms"],
    [
      `start until the first answer with numbers (least of ${STARTS})`,
      Math.min(...answers),
      BUDGET.firstAnswerMilliseconds,
      "ms",
    ],
    [
      `CPU of a collection, a second apart (median of ${SPACED})`,
      median(cycles),
      BUDGET.cycleMilliseconds,
      "ms",
    ],
    ["of a core at a 10 s interval, all threads", cpu / 100, BUDGET.corePercent, "%"],
    [`RSS after ${SPACED} collections`, rss, BUDGET.rssMegabytes, "MB"],
    [`RSS after a burst of ${BURST} more`, rssLater, BUDGET.rssMegabytes, "MB"],
    ["host command against cat", times, BUDGET.hostCommandTimesCat, "times"],
    ...(beside === undefined
      ? []
      : [
          [
            "CPU per series against node_exporter, all threads",
            beside.own.perSeries / beside.exporter.perSeries,
            BUDGET.timesNodeExporter,
            "times",
          ] satisfies [string, number, number, string],
        ]),
  ];
  for (const [what, value, most, unit] of rows) {
    const over = value > most ? "  OVER BUDGET" : "";
    console.log(
      `${what.padEnd(48)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(5)} (at most ${most})${over}`,
    );
  }
  for (const [name, { milliseconds, series }] of Object.entries(beside ?? {}))
    console.log(`${name}: ${milliseconds.toFixed(2)} ms a scrape, ${series} series`);
  if (beside === undefined)
    console.log("node_exporter: not measured, this machine has no apt to load it with");
  return rows.some(([, value, most]) => value > most) ? 1 : 0;
}

interface Cost {
  /** CPU of a scrape, all threads. */
  readonly milliseconds: number;
  readonly series: number;
  readonly perSeries: number;
}

/** Both scraped in turns, so that what else the machine does meets both. */
async function besideNodeExporter(args: string[]): Promise<{ own: Cost; exporter: Cost } | undefined> {
  if (!hasApt) return undefined;
  const program = await debianProgram("prometheus-node-exporter");
  const port = await freePort();
  const exporter = spawn(program, [`--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  const { child } = await start(args);
  try {
    await firstAnswer();
    // It collects by itself, as often as it is scraped here.
    const scrapeOwn = () => get({ socketPath: join(host.roots.run, "monitor.sock"), path: "/metrics" });
    const scrapeExporter = () => get({ host: "127.0.0.1", port, path: "/metrics" });
    const pids = { own: child.pid ?? 0, exporter: exporter.pid ?? 0 };
    for (let index = 0; index < 10; index++) {
      await scrapeOwn();
      await scrapeExporter().catch(() => sleep(100));
    }
    const before = { own: cpuMilliseconds(pids.own), exporter: cpuMilliseconds(pids.exporter) };
    let texts = { own: "", exporter: "" };
    for (let index = 0; index < SCRAPES; index++) {
      texts = { own: await scrapeOwn(), exporter: await scrapeExporter() };
      await sleep(1000);
    }
    const cost = (name: "own" | "exporter"): Cost => {
      const milliseconds = (cpuMilliseconds(pids[name]) - before[name]) / SCRAPES;
      const series = texts[name].split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
      return { milliseconds, series, perSeries: milliseconds / series };
    };
    return { own: cost("own"), exporter: cost("exporter") };
  } finally {
    exporter.kill();
    await stop(child);
  }
}

/** Milliseconds until there are numbers to be had. */
async function firstAnswer(): Promise<number> {
  const started = performance.now();
  const ask = () => get({ socketPath: join(host.roots.run, "monitor.sock"), path: "/metrics" });
  while (
    !(await ask().then(
      () => true,
      () => false,
    ))
  )
    await sleep(2);
  return performance.now() - started;
}

/** The text of an answer that is 200. */
function get(options: RequestOptions): Promise<string> {
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

/** The options that the image runs it with. */
function nodeOptions(): string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, "..", "monitor", "Dockerfile"), "utf8");
  return [...dockerfile.matchAll(/"(--[^"]+)"/g)].map(([, option]) => option ?? "");
}

async function start(args: string[]): Promise<{ child: ChildProcess; milliseconds: number }> {
  rmSync(host.roots.run, { recursive: true, force: true });
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: "inherit" });
  while (!existsSync(join(host.roots.run, "monitor.sock"))) await sleep(1);
  return { child, milliseconds: performance.now() - started };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

function collect(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socketPath = join(host.roots.run, "monitor.sock");
    request({ socketPath, path: "/collect", method: "POST", agent: false }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`POST /collect answers ${response.statusCode ?? 0}`));
      });
    })
      .on("error", reject)
      .end();
  });
}

/** All threads' time on a CPU, V8's compilers and collectors included. */
function cpuMilliseconds(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + threadMilliseconds(pid, task), 0);
}

/** JavaScript's thread; other processes' load on the machine does not count. */
function mainThreadMilliseconds(pid: number): number {
  return threadMilliseconds(pid, String(pid));
}

/** The first number of schedstat: nanoseconds on a CPU. */
function threadMilliseconds(pid: number, task: string): number {
  return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

function megabytes(pid: number, key: string): number {
  const match = new RegExp(`^${key}:\\s+([0-9]+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

function uptime(): number {
  return Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
}

/** Medians, the two taken in turns, so that what else the machine does meets both. */
function hostCommandTimesCat(): number {
  const command = join(import.meta.dirname, "..", "host", "ai-resource-monitor");
  const env = { AIRM_RUN: host.roots.run };
  const taken: [number[], number[]] = [[], []];
  for (let index = 0; index < 100; index++) {
    taken[0].push(timed("cat", [join(host.roots.run, "display.txt")], {}));
    taken[1].push(timed(command, ["--display"], env));
  }
  return median(taken[1]) / median(taken[0]);
}

function timed(program: string, args: string[], env: Record<string, string>): number {
  const started = performance.now();
  const { status } = spawnSync(program, args, { env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? "a signal"}`);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
