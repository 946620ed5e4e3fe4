import type { Server } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NvidiaSmi } from "../collectors/nvidia-smi";
import { type ConfigFile, needsRestart } from "../config/file";
import type { SettledConfig } from "../config/schema";
import { SYSTEM_CLOCK } from "../host/clock";
import { errorText } from "../host/files";
import type { Roots } from "../host/roots";
import { HistoryRequests } from "../http/history";
import { Page } from "../http/page";
import { createMonitorServer, listenOnSocket, type Served } from "../http/server";
import { TcpListener } from "../http/tcp-listener";
import type { Monitor } from "../monitor";
import { CollectorLock, LockedError } from "../output/lock";
import type { Outputs } from "../output/outputs";
import { readRequest, watchRequests } from "../output/request";
import { assemble, lockHolder, SOCKET_FILE } from "./collect";
import { STALE_INTERVALS } from "./print";
import { Schedule } from "./schedule";

/** Between the first two samples: 25 ticks of every CPU's clock, so that the first answer is there at once. */
const SECOND_SAMPLE_MILLISECONDS = 250;

/**
 * `serve`: collects at every interval and answers HTTP, until `stop` settles. It follows its configuration file: at once
 * where it can, else by an error that makes whoever started it start it again.
 */
export async function serve(
  configFile: ConfigFile,
  roots: Roots,
  stop: Promise<unknown>,
  warn: (message: string) => void,
): Promise<void> {
  const config = configFile.read();
  const lock = await CollectorLock.acquire(roots.run, lockHolder("serve"));
  const service = new MonitorService(config, configFile, lock, roots, warn);
  try {
    await service.run(stop);
  } finally {
    service.close();
    lock.release();
  }
}

class MonitorService {
  private readonly gpu: NvidiaSmi;
  private readonly monitor: Monitor;
  private readonly schedule: Schedule;
  private readonly listener: TcpListener | undefined;
  private socket: Server | undefined;
  private readonly lost = deferred<never>();
  private readonly primed = deferred<undefined>();
  private readonly served: Served;
  private outputs: Outputs | undefined;
  private collectedTime: number | undefined;
  private collectedAt = SYSTEM_CLOCK.monotonic();
  private failure: string | undefined;

  constructor(
    private config: SettledConfig,
    private readonly file: ConfigFile,
    private readonly lock: CollectorLock,
    private readonly roots: Roots,
    private readonly warn: (message: string) => void,
  ) {
    const { intervalSeconds, gpu, listen } = config;
    this.gpu = new NvidiaSmi(gpu.command, intervalSeconds, SYSTEM_CLOCK);
    this.served = {
      page: new Page(),
      history: new HistoryRequests(roots.state, () => this.config, SYSTEM_CLOCK.now),
      hostName: () => this.config.host ?? hostname(),
      outputs: () => this.outputs,
      collectedAt: () => this.collectedTime,
      problem: () => this.problem(),
      available: () => this.monitor.available,
      intervalSeconds: () => this.config.intervalSeconds,
      collect: () => this.collectNow(),
    };
    this.listener = listen && new TcpListener(listen, this.served, SYSTEM_CLOCK);
    const { monitor } = assemble(config, roots, this.gpu, warn, this.listener);
    this.monitor = monitor;
    this.schedule = new Schedule(
      intervalSeconds,
      SYSTEM_CLOCK,
      () => this.collect(),
      (missed) => {
        monitor.missedIntervals += missed;
      },
    );
  }

  /** @throws Error for what another process that starts anew can do something about. */
  async run(stop: Promise<unknown>): Promise<void> {
    await this.open();
    this.gpu.start();
    this.monitor.prime();
    await Promise.race([sleep(SECOND_SAMPLE_MILLISECONDS), stop]);
    this.primed.resolve(undefined);
    const watcher = this.followRequests();
    this.schedule.start();
    await Promise.race([stop, this.lost.promise]).finally(() => watcher?.close());
  }

  close(): void {
    this.schedule.stop();
    this.gpu.stop();
    this.listener?.close();
    this.socket?.close();
    this.socket?.closeAllConnections();
  }

  private async open(): Promise<void> {
    this.socket = await createMonitorServer(this.served, { mayCollect: true });
    await listenOnSocket(this.socket, join(this.roots.run, SOCKET_FILE));
  }

  private async collect(): Promise<void> {
    try {
      if (!this.lock.held) {
        this.lost.reject(
          new LockedError(`the lock in ${this.roots.run} was taken away; another may collect now`),
        );
        return;
      }
      this.followConfig();
      await this.listener?.follow();
      this.outputs = await this.monitor.collect();
      this.collectedAt = SYSTEM_CLOCK.monotonic();
      this.collectedTime = SYSTEM_CLOCK.now();
      this.failure = undefined;
    } catch (error) {
      if (this.failure !== errorText(error)) this.warn(errorText(error));
      this.failure = errorText(error);
    }
  }

  /** Out of its turn, for one who waits for it. */
  private async collectNow(): Promise<void> {
    // Not before the first sample: there would be nothing that a part of CPU time could be told from.
    await this.primed.promise;
    await this.schedule.now();
    if (this.failure !== undefined) throw new Error(this.failure);
  }

  private followConfig(): void {
    try {
      const next = this.file.readIfChanged();
      if (next === undefined) return;
      if (needsRestart(this.config, next)) {
        const what = "another interval, listener, GPU program, history, name or sinks";
        this.lost.reject(new Error(`the configuration asks for ${what}: start again`));
        return;
      }
      this.config = next;
      this.monitor.reconfigure(next);
    } catch (error) {
      this.warn(`the configuration before stays in force: ${errorText(error)}`);
    }
  }

  /** Collects at once when the host's command asks; undefined where its folder cannot be watched. */
  private followRequests() {
    let token = readRequest(this.roots)?.token;
    return watchRequests(this.roots, () => {
      const request = readRequest(this.roots);
      if (request === undefined || request.token === token) return;
      token = request.token;
      void this.schedule.now();
    });
  }

  private problem(): string | undefined {
    const age = Math.floor(SYSTEM_CLOCK.monotonic() - this.collectedAt);
    if (age <= STALE_INTERVALS * this.config.intervalSeconds) return undefined;
    return `the last collection is ${age} s old${this.failure === undefined ? "" : `: ${this.failure}`}`;
  }
}

/** A promise that somebody else settles. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((settle, refuse) => {
    resolve = settle;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
