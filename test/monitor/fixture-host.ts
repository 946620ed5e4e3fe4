import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Collector, type CollectorState, type Tools } from "../../monitor/collectors/collector";
import { FilesystemCollector, type FilesystemNumbers } from "../../monitor/collectors/filesystem";
import type { GpuReading } from "../../monitor/collectors/nvidia-smi";
import { checkConfig } from "../../monitor/config/check";
import type { MonitorConfig, SettledConfig } from "../../monitor/config/schema";
import type { Clock } from "../../monitor/host/clock";
import type { Roots } from "../../monitor/host/roots";

const FIXTURES = join(import.meta.dirname, "fixtures");
const GIB = 2 ** 30;

/** The services of the specification's sample. */
export const SERVICES: MonitorConfig["services"] = [
  { name: "ollama", runtime: "systemd" },
  { name: "llamacpp", runtime: "systemd" },
  { name: "local-llm-proxy", runtime: "systemd", slice: "ai-proxy.slice" },
];

export function settled(config: MonitorConfig = {}): SettledConfig {
  return checkConfig(JSON.stringify(config), "config.json");
}

/** A machine's /proc, /sys and cgroups in a folder: `base` with the named situations laid over it. */
export class FixtureHost {
  readonly folder = mkdtempSync(join(tmpdir(), "airm-"));
  readonly roots: Roots = {
    procfs: join(this.folder, "proc"),
    sysfs: join(this.folder, "sys"),
    cgroup: join(this.folder, "cgroup"),
    rootfs: join(this.folder, "root"),
    etc: join(this.folder, "root/etc"),
    run: join(this.folder, "run"),
    state: join(this.folder, "state"),
    log: join(this.folder, "log"),
    manager: join(this.folder, "manager"),
  };

  constructor(...situations: string[]) {
    for (const name of ["base", ...situations]) this.overlay(name);
    mkdirSync(this.roots.manager, { recursive: true });
  }

  overlay(situation: string): void {
    cpSync(join(FIXTURES, situation), this.folder, { recursive: true });
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A clock that stands still until it is moved. It begins at the specification's sample. */
export class FakeClock implements Clock {
  time = Date.UTC(2025, 11, 8, 10, 30, 0);
  seconds = 10_000;

  now = () => this.time;
  monotonic = () => this.seconds;

  pass(seconds: number): void {
    this.time += seconds * 1000;
    this.seconds += seconds;
  }
}

/** A filesystem of 1 TB of which 450 GB are used and 24 GB are kept for root: 450 of 1000 usable ones. */
export function terabyte(usedGib = 450, reservedGib = 24): FilesystemNumbers {
  const bsize = 4096;
  const blocks = (gib: number) => (gib * GIB) / bsize;
  return {
    bsize,
    blocks: blocks(1024),
    bfree: blocks(1024 - usedGib),
    bavail: blocks(1024 - usedGib - reservedGib),
    files: 1000,
    ffree: 900,
  };
}

export const GPU_READING: GpuReading = {
  gpus: [
    {
      index: "0",
      uuid: "GPU-aaaa",
      name: "NVIDIA L4",
      driverVersion: "550.90.07",
      utilizationRatio: 0.45,
      memoryTotalBytes: 24 * GIB,
      memoryUsedBytes: 14.4 * GIB,
      temperatureCelsius: 61,
      powerWatts: 55.12,
      powerLimitWatts: 72,
      mig: false,
      problem: undefined,
    },
  ],
  processes: [
    { gpuUuid: "GPU-aaaa", pid: 500, memoryUsedBytes: 8 * GIB },
    { gpuUuid: "GPU-aaaa", pid: 501, memoryUsedBytes: 2 * GIB },
    { gpuUuid: "GPU-aaaa", pid: 900, memoryUsedBytes: GIB / 2 },
  ],
  malformedLines: 0,
  known: [{ index: "0", name: "NVIDIA L4" }],
  problems: [],
};

/** What a collection has of the world, as far as a test says. */
export type TestTools = Partial<Omit<Tools, "gpu">> & { readonly gpu?: Pick<Tools["gpu"], "read"> };

/** A collector over a fixture; what is not named behaves as on a host without GPU and endpoints. */
export function collectorOf(host: FixtureHost, config: SettledConfig, tools: TestTools = {}) {
  const unexpected = (url: string) => Promise.reject(new Error(`unexpected GET ${url}`));
  const { gpu = { read: () => Promise.resolve(undefined) }, ...others } = tools;
  const collector = new Collector(host.roots, {
    clock: new FakeClock(),
    http: { get: unexpected, status: unexpected },
    filesystem: new FilesystemCollector(host.roots, () => Promise.resolve(terabyte())),
    gpu: { known: [], expect: () => undefined, ...gpu },
    ...others,
  });
  return {
    collect: (other: SettledConfig = config) => collector.collect(other),
    sample: (other: SettledConfig = config) => collector.sample(other),
    get remembered() {
      return collector.remembered;
    },
    restore: (state: CollectorState) => {
      collector.restore(state);
    },
  };
}
