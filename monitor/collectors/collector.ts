import type { SettledConfig } from "../config/schema";
import type { Clock } from "../host/clock";
import { errorText } from "../host/files";
import type { Http } from "../host/http";
import type { Roots } from "../host/roots";
import type { Gpu } from "../parse/gpu";
import type { CollectorResult, Sampled, ServiceSample, Snapshot } from "../report/snapshot";
import { readBootId } from "./boot";
import { CpuCollector, collectLoad, collectOomKills, collectPressure } from "./cpu";
import { collectDisks } from "./disks";
import { collectModels, probeServices } from "./endpoints";
import type { FilesystemCollector } from "./filesystem";
import { joinGpuProcesses } from "./gpu";
import { LlamaCppCollector } from "./llama-cpp";
import { collectDeployment, collectVerdicts, collectVerification } from "./manager";
import { collectMemory } from "./memory";
import { collectNetwork } from "./network";
import type { NvidiaSmi } from "./nvidia-smi";
import type { OomKillsState } from "./oom-kills";
import { ServiceCollector } from "./services";
import { collectSwap, collectZram } from "./swap";

/** What a collection needs of the world besides the files under its roots. */
export interface Tools {
  readonly clock: Clock;
  readonly http: Http;
  readonly filesystem: Pick<FilesystemCollector, "begin" | "collect" | "collectRoot">;
  readonly gpu: Pick<NvidiaSmi, "read" | "known" | "expect">;
  /** Where it is asked over TCP; undefined where nobody is to. */
  readonly listener?: { check(): true } | undefined;
}

export interface CollectorState {
  readonly oomKills: OomKillsState;
  /** Those that have answered. */
  readonly gpus: readonly Gpu[];
}

/** Runs all collectors. One that fails is told in the snapshot and spares the rest. */
export class Collector {
  private readonly services: ServiceCollector;
  private readonly cpu = new CpuCollector();
  private readonly llamaCpp: LlamaCppCollector;

  constructor(
    private readonly roots: Roots,
    private readonly tools: Tools,
  ) {
    this.services = new ServiceCollector(roots, tools.clock);
    this.llamaCpp = new LlamaCppCollector(tools.http, tools.clock);
  }

  get remembered(): CollectorState {
    return { oomKills: this.services.oomKills.remembered, gpus: this.tools.gpu.known };
  }

  /** What was counted in this boot, before a restart. */
  restore({ oomKills, gpus }: CollectorState): void {
    this.services.oomKills.restore(oomKills);
    this.tools.gpu.expect(gpus);
  }

  /** The first of two samples: what a collection after it counts from. It waits for nothing. */
  sample(config: SettledConfig): Sampled {
    return {
      monotonicSeconds: this.tools.clock.monotonic(),
      cpu: this.guard([], "cpu", () => this.cpu.collect(this.roots)),
      services: this.guard([], "services", () => this.services.collect(config.services)),
    };
  }

  /** What counts goes on counting when the next collection has another configuration. */
  async collect(config: SettledConfig): Promise<Snapshot> {
    const { roots, tools } = this;
    const results: CollectorResult[] = [];
    const run = <T>(name: string, read: () => T | undefined) => this.guard(results, name, read);
    const time = tools.clock.now();
    const monotonicSeconds = tools.clock.monotonic();
    // Before the services' own counts, so that what happens in between is missing from the sum and not from its parts.
    const oomKills = run("oom", () => collectOomKills(roots));
    const bases = run("services", () => this.services.collect(config.services));
    const isUp = (service: string) => bases?.find(({ name }) => name === service)?.up !== false;
    tools.filesystem.begin();
    // What waits is started; the host's own files are read meanwhile.
    const waiting = Promise.all([
      this.guardAsync(results, "filesystem", () => tools.filesystem.collect(config.models)),
      this.guardAsync(results, "rootfs", () => tools.filesystem.collectRoot()),
      this.guardAsync(results, "gpu", () => tools.gpu.read()),
      this.guardAsync(results, "probes", () => probeServices(config.services, tools.http, tools.clock)),
      this.guardAsync(results, "models", () => collectModels(config.services, tools.http, isUp)),
      this.guardAsync(results, "llamacpp", () => this.llamaCpp.collect(config.services, bases)),
    ]);
    const snapshot = {
      time,
      monotonicSeconds,
      bootId: run("boot", () => readBootId(roots)),
      memory: run("memory", () => collectMemory(roots)),
      swap: run("swap", () => collectSwap(roots)),
      zram: run("zram", () => collectZram(roots)),
      cpu: run("cpu", () => this.cpu.collect(roots)),
      load: run("load", () => collectLoad(roots)),
      pressure: run("pressure", () => collectPressure(roots)),
      disks: run("disks", () => collectDisks(roots)),
      network: run("network", () => collectNetwork(roots)),
      oomKills,
      deployment: run("deployment", () => collectDeployment(roots)),
      limits: run("limits", () => collectVerdicts(roots)),
      verification: run("verification", () => collectVerification(roots)),
      slice: run("slice", () => this.services.collectSlice(config.services)),
    };
    const { listener } = tools;
    if (listener !== undefined) run("listen", () => listener.check());
    const unread = (bases ?? []).flatMap(({ name, problems }) =>
      problems.length === 0 ? [] : [`${name}: ${problems.join("; ")}`],
    );
    if (unread.length > 0) fail(results, "services", unread.join("; "));
    const [filesystem, rootFilesystem, reading, probes, models, servers] = await waiting;
    const services = bases?.map((base): ServiceSample => ({
      ...base,
      models: models?.models.get(base.name) ?? servers?.answers.get(base.name)?.models,
      llamaCpp: servers?.answers.get(base.name)?.sample,
      probe: probes?.get(base.name),
    }));
    if (models !== undefined && models.errors.length > 0) fail(results, "models", models.errors.join("; "));
    if (servers !== undefined && servers.errors.length > 0)
      fail(results, "llamacpp", servers.errors.join("; "));
    const running = (services ?? []).flatMap(({ name, running }) =>
      running === undefined ? [] : [{ name, cgroup: running.cgroup }],
    );
    const gpu = reading === undefined ? undefined : joinGpuProcesses(reading, running, roots);
    results.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { ...snapshot, filesystem, rootFilesystem, services, gpu, collectors: results };
  }

  private guard<T>(results: CollectorResult[], name: string, read: () => T | undefined): T | undefined {
    const started = this.tools.clock.monotonic();
    try {
      const value = read();
      results.push(this.result(name, value === undefined ? "absent" : "ok", undefined, started));
      return value;
    } catch (error) {
      results.push(this.result(name, "failed", errorText(error), started));
      return undefined;
    }
  }

  private async guardAsync<T>(
    results: CollectorResult[],
    name: string,
    read: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const started = this.tools.clock.monotonic();
    try {
      const value = await read();
      results.push(this.result(name, value === undefined ? "absent" : "ok", undefined, started));
      return value;
    } catch (error) {
      results.push(this.result(name, "failed", errorText(error), started));
      return undefined;
    }
  }

  private result(
    name: string,
    state: CollectorResult["state"],
    error: string | undefined,
    started: number,
  ): CollectorResult {
    return { name, state, error, durationSeconds: Math.max(0, this.tools.clock.monotonic() - started) };
  }
}

function fail(results: CollectorResult[], name: string, error: string): void {
  const index = results.findIndex((result) => result.name === name);
  const found = results[index];
  if (found !== undefined) results[index] = { ...found, state: "failed", error };
}
