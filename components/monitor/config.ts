import type { z } from "zod";
import { type MonitorConfig, renderMonitorConfig } from "../../monitor/config/schema";
import type { SettledWorkload } from "../cgroup-service/workload";
import { parseDuration } from "../render/duration";
import { llamaCppServer } from "./llama-cpp-address";
import { ollamaAddress } from "./ollama-address";
import type { MonitorSettings, ThresholdSettings } from "./schema";

type ServiceConfig = NonNullable<MonitorConfig["services"]>[number];

/** What the monitor watches. */
export interface Watched {
  /** How those who are told call the host. */
  readonly host: string;
  readonly monitor: z.output<typeof MonitorSettings>;
  readonly thresholds: z.output<typeof ThresholdSettings>;
  readonly workloads: readonly SettledWorkload[];
  readonly models: { readonly path: string; readonly mount: "any" | "required" };
}

/** The text of /etc/ai-resource-monitor/config.json. */
export function monitorConfig({ host, monitor, thresholds, workloads, models }: Watched): string {
  const { alerts, history, tell } = monitor;
  return renderMonitorConfig({
    intervalSeconds: parseDuration(monitor.interval),
    thresholds,
    models: { path: models.path, mount: models.mount },
    services: workloads.map(watchedService),
    alerts: { forSeconds: parseDuration(alerts.for), repeatSeconds: parseDuration(alerts.repeat) },
    history: {
      everySeconds: parseDuration(history.every),
      days: history.days,
      maxBytes: history.size.bytes,
    },
    watchHours: monitor.watchHours,
    host,
    sinks: {
      ...(tell.alertmanager === undefined ? {} : { alertmanager: { urlFile: tell.alertmanager } }),
      ...(tell.webhook === undefined ? {} : { webhook: { urlFile: tell.webhook } }),
      ...(tell.heartbeat === undefined
        ? {}
        : {
            heartbeat: { urlFile: tell.heartbeat, everySeconds: parseDuration(tell.heartbeatEvery) },
          }),
    },
    ...(monitor.listen === undefined ? {} : { listen: { ...monitor.listen, ...accessOf(monitor.access) } }),
  });
}

function accessOf({
  token,
  certificate,
  key,
}: Watched["monitor"]["access"]): Pick<NonNullable<MonitorConfig["listen"]>, "tokenFile" | "tls"> {
  return {
    ...(token === undefined ? {} : { tokenFile: token }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { tls: { certificateFile: certificate, keyFile: key } }),
  };
}

function watchedService(workload: SettledWorkload): ServiceConfig {
  const { name, runtime, unit, slice, memory, cpu, image, health, gpu, apiKeyFile } = workload;
  const ollama = ollamaAddress(workload);
  const llamaCpp = llamaCppServer(workload);
  return {
    name,
    runtime,
    unit,
    slice,
    memoryMaxBytes: memory.max.bytes,
    ...(cpu.quota === undefined ? {} : { quotaPercent: cpu.quota }),
    ...(image === undefined ? {} : { image }),
    ...(health?.http === undefined ? {} : { health: { http: health.http } }),
    ...(ollama === undefined ? {} : { ollama }),
    ...(llamaCpp === undefined
      ? {}
      : { llamaCpp: { ...llamaCpp, ...(apiKeyFile === undefined ? {} : { apiKeyFile }) } }),
    ...(gpu?.vendor === "nvidia" ? { vramThreshold: gpu.vramThreshold } : {}),
    ...(gpu?.vendor === "nvidia" && gpu.vramMax !== undefined ? { vramMaxBytes: gpu.vramMax.bytes } : {}),
  };
}

/** Whether the monitor looks at GPUs, which are NVIDIA's: it asks nvidia-smi. */
export function watchesGpus({ monitor, workloads }: Watched): boolean {
  return monitor.gpu ?? workloads.some(({ gpu }) => gpu?.vendor === "nvidia");
}

/** Whether the monitor must reach the host's own addresses: to be asked, to ask the workloads how they are, or to tell others. */
export function needsNetwork({ monitor, workloads }: Watched): boolean {
  const isAsked = (workload: SettledWorkload): boolean =>
    workload.health?.http !== undefined ||
    ollamaAddress(workload) !== undefined ||
    llamaCppServer(workload) !== undefined;
  const { alertmanager, webhook, heartbeat } = monitor.tell;
  const isTold = [alertmanager, webhook, heartbeat].some((file) => file !== undefined);
  return monitor.listen !== undefined || isTold || workloads.some(isAsked);
}
