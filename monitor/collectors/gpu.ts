import { readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { parseProcessCgroup } from "../parse/cgroup";
import type { GpuSample, ServiceGpuMemory } from "../report/snapshot";
import type { GpuReading } from "./nvidia-smi";

/** Joins the GPUs' processes to services by their cgroup; processes that are hidden or nobody's are left out. */
export function joinGpuProcesses(
  reading: GpuReading,
  services: readonly { readonly name: string; readonly cgroup: string }[],
  { procfs }: Roots,
): GpuSample {
  const indexes = new Map(reading.gpus.map(({ uuid, index }) => [uuid, index]));
  const sums = new Map<string, ServiceGpuMemory>();
  for (const { gpuUuid, pid, memoryUsedBytes } of reading.processes) {
    const cgroup = parseProcessCgroup(readTextIfAllowed(`${procfs}/${pid}/cgroup`) ?? "");
    const service = services.find(
      (known) => cgroup === known.cgroup || cgroup?.startsWith(`${known.cgroup}/`),
    );
    if (service === undefined) continue;
    // An instance of a split GPU (MIG) has a UUID of its own, which is all that is known of it here.
    const gpu = indexes.get(gpuUuid) ?? gpuUuid;
    const key = `${service.name} ${gpu}`;
    const usedBytes = (sums.get(key)?.usedBytes ?? 0) + memoryUsedBytes;
    sums.set(key, { service: service.name, gpu, usedBytes });
  }
  return {
    gpus: reading.gpus,
    services: [...sums.values()],
    malformedLines: reading.malformedLines,
    known: reading.known,
    problems: reading.problems,
  };
}
