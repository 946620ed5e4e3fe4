import type { z } from "zod";
import { type MonitorConfig, renderMonitorConfig } from "../../monitor/config/schema";
import type { SettledWorkload } from "../cgroup-service/workload";
import { credentialFile } from "../monitor-credentials/render";
import { SECRET_SINKS, type SecretSink } from "../monitor-credentials/schema";
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
  /** Who is told by an address that is a secret of the stack's. */
  readonly credentials: readonly SecretSink[];
}

/** The text of /etc/ai-resource-monitor/config.json. */
export function monitorConfig(watched: Watched): string {
  const { host, monitor, thresholds, workloads, models } = watched;
  const { alerts, history } = monitor;
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
    sinks: toldSinks(watched),
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

function toldSinks({ monitor: { tell }, credentials }: Watched): NonNullable<MonitorConfig["sinks"]> {
  const fileOf = (sink: SecretSink): string | undefined =>
    tell[sink] ?? (credentials.includes(sink) ? credentialFile(sink) : undefined);
  const [alertmanager, webhook, sentry, heartbeat] = [
    fileOf("alertmanager"),
    fileOf("webhook"),
    fileOf("sentry"),
    fileOf("heartbeat"),
  ];
  const everySeconds = parseDuration(tell.heartbeatEvery);
  return {
    ...(alertmanager === undefined ? {} : { alertmanager: { urlFile: alertmanager } }),
    ...(webhook === undefined ? {} : { webhook: { urlFile: webhook } }),
    ...(sentry === undefined
      ? {}
      : {
          sentry: {
            dsnFile: sentry,
            environment: tell.sentryEnvironment,
            // Sentry counts in minutes.
            ...(tell.sentryCheckIns ? { checkInSeconds: Math.max(60, everySeconds) } : {}),
          },
        }),
    ...(tell.datadog === undefined ? {} : { datadog: { ...tell.datadog, upSeconds: everySeconds } }),
    ...(heartbeat === undefined ? {} : { heartbeat: { urlFile: heartbeat, everySeconds } }),
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
export function watchesGpus({ monitor, workloads }: Pick<Watched, "monitor" | "workloads">): boolean {
  return monitor.gpu ?? workloads.some(({ gpu }) => gpu?.vendor === "nvidia");
}

/** Whether the monitor must reach the host's own addresses: to be asked, to ask the workloads how they are, or to tell others. */
export function needsNetwork({ monitor, workloads, credentials }: Watched): boolean {
  const isAsked = (workload: SettledWorkload): boolean =>
    workload.health?.http !== undefined ||
    ollamaAddress(workload) !== undefined ||
    llamaCppServer(workload) !== undefined;
  const { tell } = monitor;
  const isTold =
    credentials.length > 0 ||
    tell.datadog !== undefined ||
    SECRET_SINKS.some((sink) => tell[sink] !== undefined);
  return monitor.listen !== undefined || isTold || workloads.some(isAsked);
}
