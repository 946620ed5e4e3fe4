import type { CgroupCpu } from "../parse/cgroup";
import type { CpuTimes } from "../parse/cpu";
import type { Disk } from "../parse/disk";
import type { Deployment, LimitVerdict, Verification } from "../parse/documents";
import type { Gpu } from "../parse/gpu";
import type { LlamaCppMetrics } from "../parse/llama-cpp";
import type { Load } from "../parse/load";
import type { Memory } from "../parse/memory";
import type { LoadedModel } from "../parse/model";
import type { Interface } from "../parse/network";
import type { Pressure } from "../parse/pressure";
import type { SwapDevice, ZramDevice } from "../parse/swap";

/** "absent" is a host without such a thing, which is no failure. */
export type CollectorState = "ok" | "absent" | "failed";

export interface CollectorResult {
  readonly name: string;
  readonly state: CollectorState;
  /** Why it failed, in one line. */
  readonly error: string | undefined;
  readonly durationSeconds: number;
}

/** What every host has: one of these that failed is a host that nobody sees. */
export const ESSENTIAL_COLLECTORS = ["memory", "cpu", "load", "filesystem", "rootfs"] as const;
const ESSENTIAL: ReadonlySet<string> = new Set(ESSENTIAL_COLLECTORS);

/** The collectors that failed and whose things every host has. */
export function blindOf(collectors: readonly CollectorResult[]): CollectorResult[] {
  return collectors.filter(({ name, state }) => state === "failed" && ESSENTIAL.has(name));
}

/** Whether a host has no such thing; what could not be read is not absent. */
export function isAbsent({ collectors }: Pick<Snapshot, "collectors">, collector: string): boolean {
  return collectors.find(({ name }) => name === collector)?.state === "absent";
}

/** Whether it is what every host has. */
export function isEssential(collector: string): boolean {
  return ESSENTIAL.has(collector);
}

/** A filesystem: of the models, or the root's. */
export interface Filesystem {
  readonly path: string;
  readonly mountpoint: string;
  readonly device: string;
  readonly fstype: string;
  readonly readOnly: boolean;
  /** Whether it was mounted to be written, and the kernel has stopped that after an error (`errors=remount-ro`). */
  readonly remountedReadOnly: boolean;
  /** Whether it is another filesystem than the root's. */
  readonly isMount: boolean;
  /** Undefined when it was not measured: not mounted though required, or no answer in time. */
  readonly space: FilesystemSpace | undefined;
  /** Why it was not measured. */
  readonly problem: string | undefined;
}

/** The problem of a disk that should be there, and is not. */
export const NOT_MOUNTED = "not mounted";

/** Whether it is the root's. */
export function isRoot({ mountpoint, problem }: Filesystem): boolean {
  return mountpoint === "/" && problem === undefined;
}

export interface FilesystemSpace {
  readonly sizeBytes: number;
  /** Free, the part reserved for root included. */
  readonly freeBytes: number;
  /** Free for users. */
  readonly availableBytes: number;
  readonly files: number;
  readonly filesFree: number;
}

/** The memory of a service's cgroup, in bytes. */
export interface ServiceMemory {
  readonly usageBytes: number;
  /** Usage without inactive page cache, as kubelet and cAdvisor count it: a mapped model that is read counts in full. */
  readonly workingSetBytes: number;
  /** Usage without what the kernel can drop at once: clean page cache, in use or not, and slab that is reclaimable. */
  readonly usedBytes: number;
  /** What the kernel dropped and had to read again, since the cgroup is there. Undefined before Linux 5.9. */
  readonly refaultedBytes: number | undefined;
  readonly anonBytes: number;
  readonly fileBytes: number;
  readonly mappedFileBytes: number;
  readonly swapBytes: number | undefined;
  readonly peakBytes: number | undefined;
  /** The least limit from its cgroup up the tree; undefined is no limit. */
  readonly limitBytes: number | undefined;
  /** memory.events: low, high, max, oom, oom_kill. */
  readonly events: ReadonlyMap<string, number>;
}

export interface ServiceCpu extends CgroupCpu {
  /** Cores, the least of the quotas up the tree; undefined is no quota. */
  readonly limitCores: number | undefined;
  /** How many CPUs its processes may run on; undefined without the cpuset controller. */
  readonly cpusetCores: number | undefined;
}

export interface Probe {
  readonly success: boolean;
  readonly durationSeconds: number;
  readonly error: string | undefined;
}

/** What a llama-server says of itself. */
export interface LlamaCppSample {
  /** Undefined where it did not say. */
  readonly role: "server" | "router" | undefined;
  /** Whether its model is unloaded until somebody asks for it; undefined where it cannot sleep, or did not say. */
  readonly sleeping: boolean | undefined;
  readonly slots: number | undefined;
  readonly busySlots: number | undefined;
  /** As it last told them in this run; what goes on now only where it told that in this collection. */
  readonly metrics: LlamaCppMetrics | undefined;
  /** When that was, by the monotonic clock. */
  readonly metricsAtSeconds: number | undefined;
  /** What it does not tell, and why. */
  readonly problems: readonly string[];
}

/** A service as its cgroup shows it. */
export interface ServiceSample {
  readonly name: string;
  readonly runtime: "systemd" | "container";
  readonly unit: string;
  readonly image: string | undefined;
  readonly declaredMemoryBytes: number | undefined;
  readonly declaredCores: number | undefined;
  /** Undefined when it is not running, or when nobody knows. */
  readonly running: RunningService | undefined;
  /** Whether it runs; undefined where its cgroup could not be looked for. */
  readonly up: boolean | undefined;
  /** Starts of it that this collector has seen beyond the first. */
  readonly restarts: number;
  /** Processes of it that the kernel killed for memory, in all cgroups that it has had in its slice. */
  readonly oomKills: number | undefined;
  /** What of it could not be read, and why. */
  readonly problems: readonly string[];
  readonly models: readonly LoadedModel[] | undefined;
  readonly llamaCpp: LlamaCppSample | undefined;
  readonly probe: Probe | undefined;
}

export interface RunningService {
  /** Relative to the cgroup root. */
  readonly cgroup: string;
  readonly containerId: string | undefined;
  /** Seconds since 1970, of its oldest process; undefined where processes are hidden (hidepid). */
  readonly startTimeSeconds: number | undefined;
  readonly tasks: number | undefined;
  readonly memory: ServiceMemory | undefined;
  readonly cpu: ServiceCpu | undefined;
  /** When it was read, by the monotonic clock: seconds after the collection's start where that had to wait. */
  readonly readAtSeconds: number;
  readonly pressure: Pressure;
  readonly io: { readonly readBytes: number; readonly writeBytes: number } | undefined;
  /** Of a network namespace of its own, which services of the host's have not. */
  readonly network: readonly Interface[] | undefined;
}

/** The slice above all AI services, whose limit they share. */
export interface SliceSample {
  readonly name: string;
  readonly memory: ServiceMemory | undefined;
}

/** VRAM of one service on one GPU. */
export interface ServiceGpuMemory {
  readonly service: string;
  readonly gpu: string;
  readonly usedBytes: number;
}

export interface GpuProblem {
  readonly index: string;
  /** Which card, and what of it. */
  readonly text: string;
}

export interface GpuSample {
  readonly gpus: readonly Gpu[];
  readonly services: readonly ServiceGpuMemory[];
  /** Lines of nvidia-smi that were not understood, since the start. */
  readonly malformedLines: number;
  /** All that have ever answered. */
  readonly known: readonly { readonly index: string; readonly name: string }[];
  /** Cards that fail, or have vanished. */
  readonly problems: readonly GpuProblem[];
}

/** What only two samples tell something of. */
export type Sampled = Pick<Snapshot, "cpu" | "monotonicSeconds"> & {
  readonly services:
    | readonly (Pick<ServiceSample, "name" | "running" | "restarts"> &
        Partial<Pick<ServiceSample, "llamaCpp">>)[]
    | undefined;
};

/** What one collection read. What a host has not, or what could not be read, is undefined. */
export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly monotonicSeconds: number;
  readonly bootId: string | undefined;
  readonly memory: Memory | undefined;
  readonly swap: readonly SwapDevice[] | undefined;
  readonly zram: readonly ZramDevice[] | undefined;
  readonly cpu: CpuTimes | undefined;
  readonly load: Load | undefined;
  readonly pressure: Pressure | undefined;
  readonly disks: readonly Disk[] | undefined;
  readonly network: readonly Interface[] | undefined;
  readonly oomKills: number | undefined;
  /** The models'. */
  readonly filesystem: Filesystem | undefined;
  readonly rootFilesystem: Filesystem | undefined;
  readonly slice: SliceSample | undefined;
  readonly services: readonly ServiceSample[] | undefined;
  readonly gpu: GpuSample | undefined;
  readonly deployment: Deployment | undefined;
  readonly limits: readonly LimitVerdict[] | undefined;
  readonly verification: Verification | undefined;
  readonly collectors: readonly CollectorResult[];
}
