import { parseCpuList } from "../render/cpu-list";
import type { Size } from "../render/size";
import { type Engine, engineOf } from "./engine";
import { IO_CLASSES } from "./limits-schema";
import type { Workload } from "./schema";
import { usualSlice } from "./unit";

/** A workload with every default settled: what its bundle and its slice are rendered from. */
export interface SettledWorkload extends Omit<Workload, "memory" | "cpu" | "unit" | "slice" | "engine"> {
  readonly name: string;
  readonly engine: Engine;
  /** `ollama.service` */
  readonly unit: string;
  /** `ai-ollama.slice` */
  readonly slice: string;
  readonly memory: {
    readonly max: Size;
    /** None by default: see docs/components/cgroup-service.md. */
    readonly high: Size | undefined;
    readonly low: Size;
    readonly swap: Size;
    readonly legacyLimit: boolean;
  };
  readonly cpu: { readonly quota?: number; readonly cores?: string; readonly weight: number };
  /** Threads that the CPU limits leave room for; undefined without such limits. */
  readonly threads: number | undefined;
}

export function settleWorkload(name: string, workload: Workload): SettledWorkload {
  const { memory, cpu, unit = `${name}.service`, slice = usualSlice(name) } = workload;
  const { max, high, low = max.share(25), swap = max.share(50), legacyLimit } = memory;
  return {
    ...workload,
    name,
    engine: engineOf(workload, unit, name),
    unit,
    slice: `${slice}.slice`,
    memory: { max, high, low, swap, legacyLimit },
    cpu: {
      ...(cpu.quota === undefined ? {} : { quota: cpu.quota }),
      ...(cpu.cores === undefined ? {} : { cores: cpu.cores }),
      weight: cpu.weight ?? classCpuWeight(workload.io.weight),
    },
    threads: threadsFor(cpu),
  };
}

/** AI services precede utilities: the IO classes high, medium and low are 200, 150 and 100. */
function classCpuWeight(ioWeight: number): number {
  if (ioWeight >= IO_CLASSES.high) return 200;
  return ioWeight >= IO_CLASSES.medium ? 150 : 100;
}

/**
 * More threads than the limits allow collapse inference: they spend each period's quota waiting for one another
 * (ollama#17916: 12 tokens/s became 0.3).
 */
function threadsFor({ quota, cores }: Workload["cpu"]): number | undefined {
  if (quota === undefined && cores === undefined) return undefined;
  const byQuota = quota === undefined ? Infinity : Math.floor(quota / 100);
  const byCores = cores === undefined ? Infinity : parseCpuList(cores).length;
  return Math.max(1, Math.min(byQuota, byCores));
}
