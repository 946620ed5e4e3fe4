import type { RunningService, ServiceCpu, ServiceMemory } from "../../report/snapshot";
import type { Share } from "../../report/usage";
import { ENGINE_FAMILIES } from "./engines";
import { each, type Family, labelled, type Sample } from "./family";

const running = (
  type: Family["type"],
  name: string,
  help: string,
  value: (service: RunningService) => number | undefined,
) =>
  each(type, name, help, ({ sample }) => (sample.running === undefined ? undefined : value(sample.running)));

const memory = (name: string, help: string, key: keyof Omit<ServiceMemory, "events" | "refaultedBytes">) =>
  running("gauge", `memory_${name}_bytes`, help, (service) => service.memory?.[key]);

const cpu = (name: string, help: string, key: keyof ServiceCpu) =>
  running("counter", `cpu_${name}_total`, help, (service) => service.cpu?.[key]);

const slice = (name: string, help: string, value: (share: Share) => number) =>
  labelled("gauge", `slice_memory_${name}`, help, ({ usage }) => {
    const { name: of = "", memory: share } = usage.slice ?? {};
    return share === undefined ? [] : [[{ slice: of }, value(share)]];
  });

export const SERVICE_FAMILIES: readonly Family[] = [
  slice(
    "used_bytes",
    "Memory of all services together, without what the kernel can drop.",
    (share) => share.usedBytes,
  ),
  slice("limit_bytes", "The limit that they share; absent without one.", (share) => share.sizeBytes),
  slice("used_ratio", "Used part of it.", (share) => share.ratio),
  labelled("gauge", "service_info", "A service as configured and found.", ({ usage }) =>
    (usage.services ?? []).map(({ sample }) => [
      {
        service: sample.name,
        runtime: sample.runtime,
        unit: sample.unit,
        container: sample.running?.containerId?.slice(0, 12) ?? "",
        image: sample.image ?? "",
      },
      1,
    ]),
  ),
  each("gauge", "up", "1 when the service has processes.", ({ sample: { up } }) =>
    up === undefined ? undefined : Number(up),
  ),
  running("gauge", "tasks", "Processes and threads.", ({ tasks }) => tasks),
  running(
    "gauge",
    "start_time_seconds",
    "When its oldest process started, in seconds since 1970.",
    ({ startTimeSeconds }) => startTimeSeconds,
  ),
  each(
    "counter",
    "restarts_total",
    "Starts seen since the monitor started, but for the first.",
    ({ sample }) => sample.restarts,
  ),
  each(
    "counter",
    "oom_kills_total",
    "Processes of it that the kernel killed for memory.",
    ({ sample }) => sample.oomKills,
  ),
  cpu("usage_seconds", "CPU time.", "usageSeconds"),
  cpu("user_seconds", "CPU time in user mode.", "userSeconds"),
  cpu("system_seconds", "CPU time in the kernel.", "systemSeconds"),
  cpu("cfs_periods", "Periods of the CPU limit that passed.", "periods"),
  cpu("cfs_throttled_periods", "Periods in which it was throttled.", "throttledPeriods"),
  cpu("cfs_throttled_seconds", "Time for which it was throttled.", "throttledSeconds"),
  running(
    "gauge",
    "cpu_limit_cores",
    "Cores that its quota allows; absent without one.",
    ({ cpu: used }) => used?.limitCores,
  ),
  running(
    "gauge",
    "cpu_cpuset_cores",
    "CPUs that it may run on; absent without the cpuset controller.",
    ({ cpu: used }) => used?.cpusetCores,
  ),
  each(
    "gauge",
    "cpu_used_ratio",
    "Part of the cores that it may use (the least of quota, cpuset and those online), in the last interval.",
    ({ cpuRatio }) => cpuRatio,
  ),
  memory("usage", "Memory charged to it, page cache included.", "usageBytes"),
  memory("working_set", "Usage without inactive page cache.", "workingSetBytes"),
  memory(
    "used",
    "Usage without what the kernel can drop: clean page cache and reclaimable slab.",
    "usedBytes",
  ),
  each("gauge", "memory_used_ratio", "Used part of its memory limit.", ({ memoryRatio }) => memoryRatio),
  each(
    "gauge",
    "thrash_ratio",
    "Part of the time in which it waited for memory; without PSI, the part of its limit that it read again in a minute.",
    ({ thrash }) => thrash?.ratio,
  ),
  running(
    "counter",
    "memory_refaulted_bytes_total",
    "What the kernel dropped and had to read again.",
    ({ memory: used }) => used?.refaultedBytes,
  ),
  memory("anon", "Anonymous memory.", "anonBytes"),
  memory("file", "Page cache.", "fileBytes"),
  memory("mapped_file", "Page cache that is mapped, as model files are.", "mappedFileBytes"),
  memory("swap", "Swap.", "swapBytes"),
  memory("peak", "Highest usage since it started.", "peakBytes"),
  memory("limit", "The least limit from it up the tree; absent without a limit.", "limitBytes"),
  labelled("counter", "service_memory_events_total", "Events of its memory limits.", ({ usage }) =>
    (usage.services ?? []).flatMap(({ sample }) =>
      [...(sample.running?.memory?.events ?? [])].map(([event, count]): Sample => [
        { service: sample.name, event },
        count,
      ]),
    ),
  ),
  ...(["cpu", "memory", "io"] as const).map((resource) =>
    running(
      "counter",
      `pressure_${resource}_waiting_seconds_total`,
      `Time in which at least one of its tasks waited for ${resource}.`,
      (service) => service.pressure[resource]?.waitingSeconds,
    ),
  ),
  ...(["memory", "io"] as const).map((resource) =>
    running(
      "counter",
      `pressure_${resource}_stalled_seconds_total`,
      `Time in which all of its tasks waited for ${resource}.`,
      (service) => service.pressure[resource]?.stalledSeconds,
    ),
  ),
  running("counter", "fs_reads_bytes_total", "Bytes read from disks.", ({ io }) => io?.readBytes),
  running("counter", "fs_writes_bytes_total", "Bytes written to disks.", ({ io }) => io?.writeBytes),
  labelled("gauge", "service_gpu_memory_used_bytes", "VRAM of its processes.", ({ snapshot }) =>
    (snapshot.gpu?.services ?? []).map(({ service, gpu, usedBytes }) => [{ service, gpu }, usedBytes]),
  ),
  each("gauge", "vram_used_ratio", "Used part of its VRAM budget.", ({ vram }) => vram?.ratio),
  ...(["received", "transmitted"] as const).map((way) =>
    labelled(
      "counter",
      `service_network_${way === "received" ? "receive" : "transmit"}_bytes_total`,
      `Bytes ${way} in its own network namespace.`,
      ({ usage }) =>
        (usage.services ?? []).flatMap(({ sample }) =>
          (sample.running?.network ?? []).map((one): Sample => [
            { service: sample.name, device: one.device },
            one[`${way}Bytes`],
          ]),
        ),
    ),
  ),
  ...ENGINE_FAMILIES,
  each("gauge", "probe_success", "1 when its health probe succeeded.", ({ sample: { probe } }) =>
    probe === undefined ? undefined : Number(probe.success),
  ),
  each(
    "gauge",
    "probe_duration_seconds",
    "How long its health probe took.",
    ({ sample }) => sample.probe?.durationSeconds,
  ),
];
