/**
 * `npm run bench:monitor`: holds the bundled monitor to its budget, natively and with the Node.js that its image has, and exits 1 when
 * it is over. `npm run bench:monitor -- --node PROGRAM` takes another Node.js. Costs are taken over a fixture's host with three
 * services, but beside other programs over this machine's own /proc. docs/monitor.md has the numbers. It needs procfs, so Linux.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type MonitorConfig, renderMonitorConfig } from "../monitor/config/schema";
import type { Roots } from "../monitor/host/roots";
import { buildMonitor } from "../scripts/build-monitor";
import { FixtureHost, SERVICES } from "../test/monitor/fixture-host";
import { ensureNode } from "../test/sandbox/base-image";
import { type Beside, besideOthers } from "./monitor/beside";
import { BundledMonitor } from "./monitor/bundled";
import { DeployedHost } from "./monitor/deployed";
import { addServices } from "./monitor/many-services";
import { cpuMilliseconds, mainThreadMilliseconds, median, rssMegabytes } from "./monitor/process";
import { everySink } from "./monitor/sinks";

const STARTS = 7;
const SPACED = 20;
const BURST = 500;
const MANY = 300;

interface Row {
  readonly what: string;
  readonly value: number;
  readonly most: number;
  readonly unit: string;
}

const { node = await ensureNode() } = parseArgs({ options: { node: { type: "string" } } }).values;
console.log(`Node.js ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`);

// The run folder is memory on a host too: on a disk, creating and renaming the outputs takes longer than all the rest.
if (existsSync("/dev/shm")) process.env.TMPDIR = "/dev/shm";
const folder = mkdtempSync(join(tmpdir(), "airm-bench-"));
const host = new FixtureHost("systemd");
try {
  const bundle = await buildMonitor(folder);
  const rows = [
    ...(await starts(bundle)),
    ...(await collections(bundle)),
    ...(await withEverySink(bundle)),
    ...(await beside(bundle)),
    ...(await manyServices(bundle)),
  ];
  for (const { what, value, most, unit } of rows) {
    const over = value > most ? "  OVER BUDGET" : "";
    console.log(
      `${what.padEnd(60)} ${value.toFixed(2).padStart(8)} ${unit.padEnd(5)} (at most ${most})${over}`,
    );
  }
  process.exitCode = rows.some(({ value, most }) => value > most) ? 1 : 0;
} finally {
  host.dispose();
  rmSync(folder, { recursive: true });
}

function started(bundle: string, config: MonitorConfig, roots: Roots = host.roots): Promise<BundledMonitor> {
  const file = join(folder, "config.json");
  writeFileSync(file, renderMonitorConfig(config));
  return BundledMonitor.start(node, bundle, roots, file);
}

/** A monitor that collects when it is told to, and at its start. */
async function idle(bundle: string, config: MonitorConfig): Promise<BundledMonitor> {
  const monitor = await started(bundle, { intervalSeconds: 3600, ...config });
  while (!existsSync(join(host.roots.run, "collected"))) await sleep(10);
  return monitor;
}

async function starts(bundle: string): Promise<Row[]> {
  const untilHttp: number[] = [];
  const untilNumbers: number[] = [];
  for (let index = 0; index < STARTS; index++) {
    const monitor = await started(bundle, { intervalSeconds: 3600, services: SERVICES ?? [] });
    untilHttp.push(monitor.startMilliseconds);
    untilNumbers.push(monitor.startMilliseconds + (await monitor.firstAnswer()));
    await monitor.stop();
  }
  // Other load on the machine only adds to a start.
  return [
    {
      what: `start until it answers HTTP (least of ${STARTS})`,
      value: Math.min(...untilHttp),
      most: 200,
      unit: "ms",
    },
    {
      what: `start until the first answer with numbers (least of ${STARTS})`,
      value: Math.min(...untilNumbers),
      most: 500,
      unit: "ms",
    },
  ];
}

/** Milliseconds of JavaScript's thread, the request for it included. */
async function spacedCollections(monitor: BundledMonitor): Promise<number> {
  const costs: number[] = [];
  for (let index = 0; index < SPACED; index++) {
    await sleep(1000);
    const before = mainThreadMilliseconds(monitor.pid);
    await monitor.collect();
    costs.push(mainThreadMilliseconds(monitor.pid) - before);
  }
  return median(costs);
}

async function collections(bundle: string): Promise<Row[]> {
  const monitor = await idle(bundle, { services: SERVICES ?? [] });
  const before = cpuMilliseconds(monitor.pid);
  const spaced = await spacedCollections(monitor);
  const cpu = (cpuMilliseconds(monitor.pid) - before) / SPACED;
  const rss = rssMegabytes(monitor.pid);
  for (let index = 0; index < BURST; index++) await monitor.collect();
  const rssLater = rssMegabytes(monitor.pid);
  await monitor.stop();
  writeFileSync(join(host.roots.run, "collected"), `${uptime()} 3600 0 -\n`);
  return [
    { what: `CPU of a collection, a second apart (median of ${SPACED})`, value: spaced, most: 5, unit: "ms" },
    { what: "of a core at a 10 s interval, all threads", value: cpu / 100, most: 1, unit: "%" },
    { what: `RSS after ${SPACED} collections`, value: rss, most: 70, unit: "MB" },
    { what: `RSS after a burst of ${BURST} more`, value: rssLater, most: 70, unit: "MB" },
    { what: "host command against cat", value: hostCommandTimesCat(), most: 3, unit: "times" },
  ];
}

/** Alerts fire all the time, and all sinks are told. */
async function withEverySink(bundle: string): Promise<Row[]> {
  const { sinks, stop } = await everySink(folder);
  const monitor = await idle(bundle, {
    services: SERVICES ?? [],
    sinks,
    alerts: { forSeconds: 0 },
    thresholds: { memory: 1, cpu: 1, disk: 1, service: 1 },
  });
  await spacedCollections(monitor);
  for (let index = 0; index < BURST; index++) await monitor.collect();
  const rss = rssMegabytes(monitor.pid);
  const told = (await monitor.metrics()).match(
    /^airm_alert_notifications_total\{.*outcome="(delivered|sent)"\} [1-9]/gm,
  );
  await monitor.stop();
  stop();
  const kinds = new Set(told?.map((line) => /sink="([a-z]+)/.exec(line)?.[1]));
  if (kinds.size < 5) throw new Error(`of five kinds of sinks were told: ${[...kinds].join(", ")}`);
  return [
    {
      what: `RSS with every sink, after ${SPACED} and ${BURST} collections`,
      value: rss,
      most: 85,
      unit: "MB",
    },
  ];
}

async function costsBeside(bundle: string): Promise<Beside> {
  const deployed = new DeployedHost();
  try {
    const monitor = await started(bundle, { intervalSeconds: 1, services: SERVICES ?? [] }, deployed.roots);
    await monitor.firstAnswer();
    const costs = await besideOthers(monitor);
    await monitor.stop();
    return costs;
  } finally {
    deployed.dispose();
  }
}

async function beside(bundle: string): Promise<Row[]> {
  const { own, nodeExporter, glances, missing } = await costsBeside(bundle);
  for (const why of missing) console.log(`not measured: ${why}`);
  console.log(`beside each other: ${own.milliseconds.toFixed(2)} ms a round, ${own.series} series`);
  if (nodeExporter !== undefined)
    console.log(
      `node_exporter: ${nodeExporter.milliseconds.toFixed(2)} ms a round, ${nodeExporter.series} series`,
    );
  if (glances !== undefined) console.log(`glances: ${glances.milliseconds.toFixed(2)} ms a round`);
  return [
    ...(nodeExporter === undefined
      ? []
      : [
          {
            what: "CPU per series against node_exporter, all threads",
            value: own.milliseconds / own.series / (nodeExporter.milliseconds / nodeExporter.series),
            most: 1,
            unit: "times",
          },
        ]),
    ...(glances === undefined
      ? []
      : [
          {
            what: "CPU of a round against glances, all threads",
            value: own.milliseconds / glances.milliseconds,
            most: 1,
            unit: "times",
          },
        ]),
  ];
}

async function manyServices(bundle: string): Promise<Row[]> {
  const services = addServices(host, MANY);
  const monitor = await idle(bundle, { services });
  const spaced = await spacedCollections(monitor);
  const up = (await monitor.metrics()).match(/^airm_service_up\{.*\} 1$/gm)?.length;
  await monitor.stop();
  if (up !== MANY) throw new Error(`${up ?? 0} of ${MANY} services are seen`);
  return [
    {
      what: `CPU of a collection of ${MANY} services (median of ${SPACED})`,
      value: spaced,
      most: 100,
      unit: "ms",
    },
  ];
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
  const before = performance.now();
  const { status } = spawnSync(program, args, { env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? "a signal"}`);
  return performance.now() - before;
}
