import type { Server } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NvidiaSmi } from "../collectors/nvidia-smi";
import { type ConfigFile, needsRestart } from "../config/file";
import { SYSTEM_CLOCK } from "../host/clock";
import { errorText } from "../host/files";
import type { Roots } from "../host/roots";
import { createMonitorServer, listen, listenOnSocket, type Served } from "../http/server";
import { CollectorLock, LockedError } from "../output/lock";
import type { Outputs } from "../output/outputs";
import { readRequest, watchRequests } from "../output/request";
import { assemble, collectorOf, lockHolder, SECOND_SAMPLE_MILLISECONDS, SOCKET_FILE } from "./collect";
import { STALE_INTERVALS } from "./print";
import { Schedule } from "./schedule";

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
  let config = configFile.read();
  const lock = await CollectorLock.acquire(roots.run, lockHolder("serve"));
  const gpu = new NvidiaSmi(config.gpu.command, config.intervalSeconds, SYSTEM_CLOCK);
  const servers: Server[] = [];
  const { monitor } = assemble(config, roots, gpu, warn);
  let outputs: Outputs | undefined;
  let collectedAt = SYSTEM_CLOCK.monotonic();
  let failure: string | undefined;
  // A restart gets a lock again, the folder anew where it was replaced under a container's mount, and its configuration.
  let lose: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  let primedNow: () => void = () => undefined;
  const primed = new Promise<void>((resolve) => {
    primedNow = resolve;
  });
  const follow = (): void => {
    try {
      const next = configFile.readIfChanged();
      if (next === undefined) return;
      if (needsRestart(config, next)) {
        lose(
          new Error(
            "the configuration asks for another interval, listener, GPU program or history: start again",
          ),
        );
        return;
      }
      config = next;
      monitor.reconfigure(next, collectorOf(next, roots, gpu).collector);
    } catch (error) {
      warn(`the configuration before stays in force: ${errorText(error)}`);
    }
  };
  const collect = async () => {
    try {
      if (!lock.held) {
        lose(new LockedError(`the lock in ${roots.run} was taken away; another may collect now`));
        return;
      }
      follow();
      outputs = await monitor.collect();
      collectedAt = SYSTEM_CLOCK.monotonic();
      failure = undefined;
    } catch (error) {
      if (failure !== errorText(error)) warn(errorText(error));
      failure = errorText(error);
    }
  };
  const schedule = new Schedule(config.intervalSeconds, SYSTEM_CLOCK, collect, (missed) => {
    monitor.missedIntervals += missed;
  });
  const served: Served = {
    outputs: () => outputs,
    problem: () => {
      const age = Math.floor(SYSTEM_CLOCK.monotonic() - collectedAt);
      if (age <= STALE_INTERVALS * config.intervalSeconds) return undefined;
      return `the last collection is ${age} s old${failure === undefined ? "" : `: ${failure}`}`;
    },
    collect: async () => {
      // Not before the first sample: a collection beside it would find the filesystem's call in flight.
      await primed;
      await schedule.now();
      if (failure !== undefined) throw new Error(failure);
    },
  };
  try {
    const socket = createMonitorServer(served, true);
    servers.push(socket);
    await listenOnSocket(socket, join(roots.run, SOCKET_FILE));
    if (config.listen !== undefined) {
      const tcp = createMonitorServer(served, false);
      servers.push(tcp);
      await listen(tcp, { host: config.listen.address, port: config.listen.port });
    }
    gpu.start();
    await monitor.prime();
    await Promise.race([sleep(SECOND_SAMPLE_MILLISECONDS), stop]);
    primedNow();
    let token = readRequest(roots)?.token;
    const watcher = watchRequests(roots, () => {
      const request = readRequest(roots);
      if (request === undefined || request.token === token) return;
      token = request.token;
      void schedule.now();
    });
    schedule.start();
    await Promise.race([stop, lost]).finally(() => watcher?.close());
  } finally {
    schedule.stop();
    gpu.stop();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    lock.release();
  }
}
