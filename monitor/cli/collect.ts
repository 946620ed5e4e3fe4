import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Collector, type Tools } from "../collectors/collector";
import { FilesystemCollector } from "../collectors/filesystem";
import { NvidiaSmi } from "../collectors/nvidia-smi";
import type { SettledConfig } from "../config/schema";
import { SYSTEM_CLOCK } from "../host/clock";
import { sinksOf } from "../delivery/sinks";
import { errorCode } from "../host/files";
import { HttpClient } from "../host/http";
import type { Roots } from "../host/roots";
import { Monitor } from "../monitor";
import { CollectorLock } from "../output/lock";
import { localTime } from "../render/times";

/** The HTTP socket's name in the run folder. */
export const SOCKET_FILE = "monitor.sock";

/** CPU times need two samples: the only collection of a process waits this long for the second. */
const SECOND_SAMPLE_MILLISECONDS = 1000;

const SERVER_MILLISECONDS = 15_000;

/** Builds everything that collects. The caller starts and stops the GPU's loop. */
export function assemble(
  config: SettledConfig,
  roots: Roots,
  gpu: NvidiaSmi,
  warn: (message: string) => void,
  listener?: Tools["listener"],
) {
  const filesystem = new FilesystemCollector(roots);
  const http = new HttpClient();
  const collector = new Collector(roots, { clock: SYSTEM_CLOCK, http, filesystem, gpu, listener });
  const sinks = sinksOf(config, roots.state, http, warn);
  return { monitor: new Monitor(config, roots, collector, SYSTEM_CLOCK, warn, sinks), filesystem };
}

/** Who holds the lock, for whoever finds it held. */
export function lockHolder(mode: string): string {
  const now = Date.now();
  return `${mode}, pid ${process.pid}, since ${localTime(now, -new Date(now).getTimezoneOffset())}`;
}

/** `--collect`: by the server when one runs, else here and now. Tells whether a call to a hung mount is left behind. */
export async function collectOnce(
  config: SettledConfig,
  roots: Roots,
  warn: (message: string) => void,
): Promise<{ hung: boolean }> {
  if (await askServer(join(roots.run, SOCKET_FILE))) return { hung: false };
  const lock = await CollectorLock.acquire(roots.run, lockHolder("--collect"));
  const gpu = new NvidiaSmi(config.gpu.command, undefined, SYSTEM_CLOCK);
  try {
    gpu.start();
    const { monitor, filesystem } = assemble(config, roots, gpu, warn);
    monitor.prime();
    await sleep(SECOND_SAMPLE_MILLISECONDS);
    await monitor.collect();
    await monitor.told;
    return { hung: filesystem.hung };
  } finally {
    gpu.stop();
    lock.release();
  }
}

/** False when no server runs; an answer other than 200 is an error. */
function askServer(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path: "/collect", method: "POST", timeout: SERVER_MILLISECONDS },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve(true);
          else reject(new Error(`the server answers ${response.statusCode ?? 0}: ${body.trim()}`));
        });
      },
    );
    call.on("timeout", () => {
      call.destroy(
        new Error(`the server at ${socketPath} has not collected within ${SERVER_MILLISECONDS / 1000} s`),
      );
    });
    call.on("error", (error) => {
      if (["ECONNREFUSED", "ENOENT"].includes(errorCode(error) ?? "")) resolve(false);
      else reject(error);
    });
    call.end();
  });
}
