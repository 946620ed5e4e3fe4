import type { z } from "zod";
import { renderMonitorConfig } from "../../monitor/config/schema";
import type { SettledWorkload } from "../cgroup-service/workload";
import { parseDuration } from "../render/duration";
import type { MonitorSettings, ThresholdSettings } from "./schema";

/** What the monitor watches. */
export interface Watched {
  readonly monitor: z.output<typeof MonitorSettings>;
  readonly thresholds: z.output<typeof ThresholdSettings>;
  readonly workloads: readonly SettledWorkload[];
  readonly modelsPath: string;
}

/** The text of /etc/ai-resource-monitor/config.json. */
export function monitorConfig({ monitor, thresholds, workloads, modelsPath }: Watched): string {
  return renderMonitorConfig({
    intervalSeconds: parseDuration(monitor.interval),
    thresholds,
    models: { path: modelsPath },
    services: workloads.map(({ name, runtime, unit, slice, memory, cpu, image, health, gpu }) => ({
      name,
      runtime,
      unit,
      slice,
      memoryMaxBytes: memory.max.bytes,
      ...(cpu.quota === undefined ? {} : { quotaPercent: cpu.quota }),
      ...(image === undefined ? {} : { image }),
      ...(health?.http === undefined ? {} : { health: { http: health.http } }),
      ...(gpu?.vendor === "nvidia" ? { vramThreshold: gpu.vramThreshold } : {}),
    })),
    watchHours: monitor.watchHours,
    ...(monitor.listen === undefined ? {} : { listen: monitor.listen }),
  });
}

/** Whether the monitor looks at GPUs, which are NVIDIA's: it asks nvidia-smi. */
export function watchesGpus({ monitor, workloads }: Watched): boolean {
  return monitor.gpu ?? workloads.some(({ gpu }) => gpu?.vendor === "nvidia");
}

/** Whether the monitor must reach the host's own addresses: to be asked, or to ask the workloads how they are. */
export function needsNetwork({ monitor, workloads }: Watched): boolean {
  return monitor.listen !== undefined || workloads.some(({ health }) => health?.http !== undefined);
}
