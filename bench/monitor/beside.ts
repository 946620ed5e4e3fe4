import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { debianProgram, hasApt } from "../../test/support/debian-programs";
import { freePort } from "../../test/support/free-port";
import { pythonPrograms, withoutPython } from "../../test/support/python-programs";
import { type BundledMonitor, get } from "./bundled";
import { cpuMilliseconds } from "./process";

/** From PyPI: what people watch such a host with by hand. */
const GLANCES = "glances[web]==4.5.8";

/**
 * The first rounds, in which programs get warm, are as good as others. There is one each second, as the monitor collects: of who
 * answers slowly the others do no more.
 */
const ROUNDS = 200;

/** What one round costs a program. */
export interface Cost {
  /** CPU, all threads. */
  readonly milliseconds: number;
  /** Undefined for what shows no series. */
  readonly series?: number;
}

export interface Beside {
  readonly own: Cost & { readonly series: number };
  /** Undefined where this machine cannot have it, with why. */
  readonly nodeExporter: (Cost & { readonly series: number }) | undefined;
  readonly glances: Cost | undefined;
  readonly missing: readonly string[];
}

/**
 * The monitor, node_exporter and glances in the same rounds, so that what else the machine does meets all: each reads all that it
 * reads once a second, and is asked for all of it.
 * @param monitor one that collects every second
 */
export async function besideOthers(monitor: BundledMonitor): Promise<Beside> {
  const missing: string[] = [];
  const running: ChildProcess[] = [];
  try {
    const exporter = hasApt ? await startNodeExporter(running) : undefined;
    if (exporter === undefined) missing.push("node_exporter: this machine has no apt to load it with");
    const glances = withoutPython === undefined ? await startGlances(running) : undefined;
    if (withoutPython !== undefined) missing.push(`glances: ${withoutPython}`);

    const texts = { own: "", exporter: "" };
    let due = performance.now();
    const round = async (): Promise<void> => {
      texts.own = await monitor.metrics();
      if (exporter !== undefined) texts.exporter = await exporter.scrape();
      await glances?.scrape();
      due += 1000;
      await sleep(due - performance.now());
    };
    const pids = [monitor.pid, exporter?.pid, glances?.pid];
    const look = () => pids.map((pid) => (pid === undefined ? 0 : cpuMilliseconds(pid)));
    const before = look();
    for (let index = 0; index < ROUNDS; index++) await round();
    const [own = 0, exporters = 0, theirs = 0] = look().map(
      (now, index) => (now - (before[index] ?? 0)) / ROUNDS,
    );
    return {
      own: { milliseconds: own, series: seriesOf(texts.own) },
      nodeExporter: exporter && { milliseconds: exporters, series: seriesOf(texts.exporter) },
      glances: glances && { milliseconds: theirs },
      missing,
    };
  } finally {
    for (const child of running) child.kill();
  }
}

async function startNodeExporter(running: ChildProcess[]) {
  const port = await freePort();
  const program = await debianProgram("prometheus-node-exporter");
  const child = spawn(program, [`--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" });
  running.push(child);
  const scrape = () => get({ host: "127.0.0.1", port, path: "/metrics" });
  await untilItAnswers("node_exporter", child, scrape);
  return { pid: child.pid ?? 0, scrape };
}

/** It reads all that it can when it is asked, at most once a second. */
async function startGlances(running: ChildProcess[]) {
  const bin = await pythonPrograms(GLANCES);
  const port = await freePort();
  const options = ["--disable-webui", "--disable-check-update"];
  const child = spawn(
    join(bin, "glances"),
    ["-w", ...options, "--bind", "127.0.0.1", "--port", String(port)],
    { stdio: "ignore" },
  );
  running.push(child);
  const scrape = () => get({ host: "127.0.0.1", port, path: "/api/4/all" });
  await untilItAnswers("glances", child, scrape);
  return { pid: child.pid ?? 0, scrape };
}

async function untilItAnswers(name: string, child: ChildProcess, ask: () => Promise<string>): Promise<void> {
  const isThere = () => ask().then(Boolean, () => false);
  for (let left = 300; !(await isThere()); left--) {
    if (left === 0 || child.exitCode !== null) throw new Error(`${name} does not answer`);
    await sleep(100);
  }
}

function seriesOf(text: string): number {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
}
