import type { SettledConfig } from "../config/schema";
import { busyRatio } from "../parse/cpu";
import type { SwapDevice } from "../parse/swap";
import type {
  Filesystem,
  LlamaCppSample,
  RunningService,
  Sampled,
  ServiceSample,
  Snapshot,
} from "./snapshot";

/** A part of a whole; the ratio is 0 to 1. */
export interface Share {
  readonly usedBytes: number;
  readonly sizeBytes: number;
  readonly ratio: number;
}

export interface SwapUsage {
  /** All devices together; undefined without swap. */
  readonly total: Share | undefined;
  /** The devices that are no zram. */
  readonly disk: Share | undefined;
  /** What the threshold is for, see {@link judgedSwap}. */
  readonly judged: Share | undefined;
}

export interface ServiceUsage {
  readonly sample: ServiceSample;
  /** What the kernel cannot drop, of the effective limit; undefined without one. */
  readonly memoryRatio: number | undefined;
  /** Of the cores that it may use: the least of its quota, its cpuset and those online. Undefined until measured twice. */
  readonly cpuRatio: number | undefined;
  /** How it fares for want of memory since the sample before; undefined until measured twice. */
  readonly thrash: Thrash | undefined;
  readonly vram: { readonly usedBytes: number; readonly ratio: number | undefined } | undefined;
  /** What its llama-server did since it last told that, per second; undefined until it has told twice. */
  readonly tokens: TokenRates | undefined;
}

export interface TokenRates {
  readonly promptPerSecond: number | undefined;
  readonly predictedPerSecond: number | undefined;
}

/** Memory that is taken away and read again: the sign of a limit too small for what runs in it. */
export interface Thrash {
  /** What is judged: the waiting, and on a kernel without PSI how much of its limit it reads again in a minute. */
  readonly ratio: number | undefined;
  /** Part of the time in which a task of it waited for memory (PSI); undefined on a kernel without. */
  readonly waitingRatio: number | undefined;
  /** Dropped by the kernel and read again, per second; undefined before Linux 5.9. */
  readonly refaultBytesPerSecond: number | undefined;
}

/** What a snapshot means, with the one before it for what only two samples tell. */
export interface Usage {
  readonly memory: Share | undefined;
  readonly swap: SwapUsage | undefined;
  readonly cpuRatio: number | undefined;
  readonly disk: Share | undefined;
  readonly rootDisk: Share | undefined;
  /** Undefined where there is no such slice; its memory, where it has no limit. */
  readonly slice: { readonly name: string; readonly memory: Share | undefined } | undefined;
  readonly services: readonly ServiceUsage[] | undefined;
}

export function deriveUsage(now: Snapshot, before: Sampled | undefined, config: SettledConfig): Usage {
  const { memory, swap, cpu, filesystem, rootFilesystem, slice } = now;
  const earlier = new Map(before?.services?.map((sample) => [sample.name, sample]));
  return {
    memory:
      memory === undefined ? undefined : share(memory.totalBytes - memory.availableBytes, memory.totalBytes),
    swap: swap === undefined ? undefined : swapUsage(swap),
    cpuRatio: cpu === undefined || before?.cpu === undefined ? undefined : busyRatio(before.cpu, cpu),
    disk: diskUsage(filesystem),
    rootDisk: diskUsage(rootFilesystem),
    slice: slice && {
      name: slice.name,
      memory:
        slice.memory?.limitBytes === undefined
          ? undefined
          : share(slice.memory.usedBytes, slice.memory.limitBytes),
    },
    services: now.services?.map((sample) => serviceUsage(sample, now, earlier.get(sample.name), config)),
  };
}

function share(usedBytes: number, sizeBytes: number): Share | undefined {
  return sizeBytes > 0 ? { usedBytes, sizeBytes, ratio: usedBytes / sizeBytes } : undefined;
}

function swapUsage(devices: readonly SwapDevice[]): SwapUsage {
  const sum = (list: readonly SwapDevice[]) =>
    share(
      list.reduce((bytes, { usedBytes }) => bytes + usedBytes, 0),
      list.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
    );
  const total = sum(devices);
  const disk = sum(devices.filter(({ type }) => type !== "zram"));
  return { total, disk, judged: judgedSwap(total, disk) };
}

/**
 * A full zram is what zram is for. The disk's share is judged, and all swap's when the disk is in use too and all swap
 * is the fuller; a host with nothing but zram has no swap to be judged by.
 */
function judgedSwap(total: Share | undefined, disk: Share | undefined): Share | undefined {
  if (total === undefined || disk === undefined || disk.usedBytes === 0) return disk;
  return total.ratio > disk.ratio ? total : disk;
}

/** As df: used / (used + available), in which the part reserved for root is neither. */
function diskUsage(filesystem: Filesystem | undefined): Share | undefined {
  const space = filesystem?.space;
  if (space === undefined) return undefined;
  const usedBytes = space.sizeBytes - space.freeBytes;
  const usable = usedBytes + space.availableBytes;
  return usable > 0 ? { usedBytes, sizeBytes: space.sizeBytes, ratio: usedBytes / usable } : undefined;
}

function serviceUsage(
  sample: ServiceSample,
  now: Snapshot,
  earlier: NonNullable<Sampled["services"]>[number] | undefined,
  config: SettledConfig,
): ServiceUsage {
  const { running } = sample;
  const memory = running?.memory;
  const sameRun = earlier?.restarts === sample.restarts ? earlier.running : undefined;
  return {
    sample,
    memoryRatio:
      memory?.limitBytes === undefined ? undefined : (share(memory.usedBytes, memory.limitBytes)?.ratio ?? 1),
    cpuRatio: cpuRatio(running, sameRun, now.cpu?.cpus.size),
    thrash: thrash(running, sameRun, now.pressure !== undefined),
    vram: vramUsage(sample, now, config),
    tokens: tokenRates(sample.llamaCpp, earlier?.restarts === sample.restarts ? earlier.llamaCpp : undefined),
  };
}

function cpuRatio(
  now: RunningService | undefined,
  before: RunningService | undefined,
  onlineCores: number | undefined,
): number | undefined {
  if (now?.cpu === undefined || before?.cpu === undefined) return undefined;
  const elapsedSeconds = secondsBetween(before, now);
  const known = [now.cpu.limitCores, now.cpu.cpusetCores, onlineCores].filter((cores) => cores !== undefined);
  if (elapsedSeconds === undefined || known.length === 0) return undefined;
  const cores = Math.min(...known);
  if (cores <= 0) return undefined;
  return Math.max(0, now.cpu.usageSeconds - before.cpu.usageSeconds) / elapsedSeconds / cores;
}

function thrash(
  now: RunningService | undefined,
  before: RunningService | undefined,
  hasPressure: boolean,
): Thrash | undefined {
  if (now === undefined || before === undefined) return undefined;
  const elapsedSeconds = secondsBetween(before, now);
  if (elapsedSeconds === undefined) return undefined;
  const perSecond = (later: number | undefined, earlier: number | undefined) =>
    later === undefined || earlier === undefined ? undefined : Math.max(0, later - earlier) / elapsedSeconds;
  const waitingRatio = perSecond(now.pressure.memory?.waitingSeconds, before.pressure.memory?.waitingSeconds);
  const refaultBytesPerSecond = perSecond(now.memory?.refaultedBytes, before.memory?.refaultedBytes);
  const limitBytes = now.memory?.limitBytes;
  // Pressure that could not be read is no kernel without.
  const turnover =
    hasPressure || refaultBytesPerSecond === undefined || limitBytes === undefined || limitBytes === 0
      ? undefined
      : (refaultBytesPerSecond * 60) / limitBytes;
  return { ratio: waitingRatio ?? turnover, waitingRatio, refaultBytesPerSecond };
}

/** Between two answers, however long that is; a count that began anew in between counts as nothing. */
function tokenRates(
  now: LlamaCppSample | undefined,
  before: LlamaCppSample | undefined,
): TokenRates | undefined {
  if (now?.metricsAtSeconds === undefined || before?.metricsAtSeconds === undefined) return undefined;
  const seconds = now.metricsAtSeconds - before.metricsAtSeconds;
  if (seconds <= 0) return undefined;
  const rate = (count: "promptTokens" | "predictedTokens") => {
    const [later, earlier] = [now.metrics?.[count], before.metrics?.[count]];
    return later === undefined || earlier === undefined ? undefined : Math.max(0, later - earlier) / seconds;
  };
  return { promptPerSecond: rate("promptTokens"), predictedPerSecond: rate("predictedTokens") };
}

/** Undefined where they are not of one cgroup, one after the other. */
function secondsBetween(before: RunningService, now: RunningService): number | undefined {
  const seconds = now.readAtSeconds - before.readAtSeconds;
  return seconds > 0 && now.cgroup === before.cgroup ? seconds : undefined;
}

/** What the driver tells of the service's processes, or, where it hides them, what Ollama says that it has loaded. */
function vramUsage(sample: ServiceSample, now: Snapshot, config: SettledConfig): ServiceUsage["vram"] {
  const gpus = now.gpu?.gpus;
  if (gpus === undefined) return undefined;
  const byDriver = now.gpu?.services.filter(({ service }) => service === sample.name) ?? [];
  // llama.cpp does not say what its models take.
  const sizes = sample.models?.map(({ vramBytes }) => vramBytes).filter((bytes) => bytes !== undefined);
  const byOllama = sample.llamaCpp === undefined ? sizes?.reduce((sum, bytes) => sum + bytes, 0) : undefined;
  const known = byDriver.length > 0;
  const usedBytes = known ? byDriver.reduce((sum, gpu) => sum + gpu.usedBytes, 0) : byOllama;
  if (usedBytes === undefined) return undefined;
  const used = known ? gpus.filter(({ index }) => byDriver.some(({ gpu }) => gpu === index)) : gpus;
  const whole = used.reduce((sum, { memoryTotalBytes }) => sum + (memoryTotalBytes ?? 0), 0);
  const budget = config.services.find(({ name }) => name === sample.name)?.vramMaxBytes ?? whole;
  return { usedBytes, ratio: budget > 0 ? usedBytes / budget : undefined };
}
