import { LABEL_NAMES } from "../alerts/condition";
import type { SettledConfig } from "../config/schema";
import type { LlamaCppMetrics } from "../parse/llama-cpp";
import { watchedDeployment, watchEnd } from "../report/deployment";
import type { Report } from "../report/report";
import type { Filesystem, LlamaCppSample } from "../report/snapshot";
import type { ServiceUsage, Share, TokenRates } from "../report/usage";
import { utcTime } from "./times";

/** Raised when a key changes its meaning or goes; new keys do not raise it. docs/monitor-json.md describes it. */
export const JSON_SCHEMA_VERSION = 2;

/** `--json`: bytes, seconds and ratios from 0 to 1. What a host has not, or what was not measured, is null. */
export function renderJson(report: Report): string {
  const { snapshot, usage, config, capacity } = report;
  const { memory, swap, gpu } = snapshot;
  const document = {
    schemaVersion: JSON_SCHEMA_VERSION,
    version: report.version,
    host: report.host,
    time: utcTime(snapshot.time),
    utcOffsetMinutes: report.utcOffsetMinutes,
    intervalSeconds: config.intervalSeconds,
    bootId: snapshot.bootId,
    thresholds: Object.fromEntries(
      Object.entries(config.thresholds).map(([name, percentage]) => [name, percentage / 100]),
    ),
    memory: memory && { ...memory, usedBytes: usage.memory?.usedBytes, usedRatio: usage.memory?.ratio },
    swap: swap && {
      sizeBytes: usage.swap?.total?.sizeBytes ?? 0,
      usedBytes: usage.swap?.total?.usedBytes ?? 0,
      usedRatio: usage.swap?.total?.ratio,
      judgedRatio: usage.swap?.judged?.ratio,
      devices: swap,
    },
    zram: snapshot.zram ?? [],
    cpu: snapshot.cpu && {
      online: snapshot.cpu.cpus.size,
      usedRatio: usage.cpuRatio,
      seconds: snapshot.cpu.total,
    },
    load: snapshot.load,
    pressure: snapshot.pressure,
    disks: snapshot.disks,
    network: snapshot.network,
    oomKillsTotal: snapshot.oomKills,
    filesystem: filesystemDocument(snapshot.filesystem, usage.disk),
    rootFilesystem: filesystemDocument(snapshot.rootFilesystem, usage.rootDisk),
    slice: usage.slice && {
      name: usage.slice.name,
      usedBytes: usage.slice.memory?.usedBytes,
      limitBytes: usage.slice.memory?.sizeBytes,
      usedRatio: usage.slice.memory?.ratio,
    },
    services: usage.services?.map((service) => ({
      ...serviceDocument(service),
      vramThreshold: vramThreshold(service, config),
    })),
    gpus: (gpu?.gpus ?? []).map((device) => ({
      ...device,
      services: gpu?.services
        .filter((entry) => entry.gpu === device.index)
        .map(({ service, usedBytes }) => ({ service, usedBytes })),
    })),
    verification: snapshot.verification,
    limits: snapshot.limits,
    deployment: deploymentDocument(report),
    alerts: report.alerts.map(({ alert, labels, severity, phase, firedAt, message }) => ({
      alert,
      ...Object.fromEntries(LABEL_NAMES.map((name) => [name, labels[name]])),
      severity,
      phase,
      firedAt: firedAt === undefined ? undefined : utcTime(firedAt),
      message,
    })),
    alertLog: report.logTail,
    capacity,
    collectors: snapshot.collectors.map(({ name, state, error }) => ({ name, state, error })),
  };
  return `${JSON.stringify(document, nullFor, 2)}\n`;
}

/** `/capacity`, for who decides whether to send more work here. */
export function renderCapacity({ snapshot, capacity, alerts }: Report): string {
  const document = {
    schemaVersion: JSON_SCHEMA_VERSION,
    time: utcTime(snapshot.time),
    ...capacity,
    firing: alerts.filter(({ phase }) => phase === "firing").map(({ message }) => message),
  };
  return `${JSON.stringify(document, nullFor, 2)}\n`;
}

function filesystemDocument(filesystem: Filesystem | undefined, share: Share | undefined) {
  return filesystem && { ...filesystem, usedBytes: share?.usedBytes, usedRatio: share?.ratio };
}

function serviceDocument({ sample, memoryRatio, cpuRatio, thrash, vram, tokens }: ServiceUsage): object {
  const { running, models, llamaCpp, ...about } = sample;
  return {
    ...about,
    cgroup: running?.cgroup,
    containerId: running?.containerId,
    startTime: running?.startTimeSeconds === undefined ? undefined : utcTime(running.startTimeSeconds * 1000),
    tasks: running?.tasks,
    memory: running?.memory && {
      ...running.memory,
      usedRatio: memoryRatio,
      events: Object.fromEntries(running.memory.events),
    },
    cpu: running?.cpu && { ...running.cpu, usedRatio: cpuRatio },
    pressure: running?.pressure,
    thrash,
    io: running?.io,
    network: running?.network,
    vram,
    models: models?.map(({ expiresAtSeconds: expires, ...model }) => ({
      ...model,
      expiresAt: expires === undefined ? undefined : utcTime(expires * 1000),
    })),
    llamaCpp: llamaCpp && llamaCppDocument(llamaCpp, tokens),
  };
}

function llamaCppDocument(
  { role, sleeping, slots, busySlots, metrics, problems }: LlamaCppSample,
  tokens: TokenRates | undefined,
): object {
  return {
    role,
    sleeping,
    slots,
    busySlots,
    ...METRICS_NOT_TOLD,
    ...metrics,
    promptTokensPerSecond: tokens?.promptPerSecond,
    predictedTokensPerSecond: tokens?.predictedPerSecond,
    problems,
  };
}

/** Every key is always there. */
const METRICS_NOT_TOLD: { [Key in keyof LlamaCppMetrics]: undefined } = {
  promptTokens: undefined,
  cachedPromptTokens: undefined,
  promptSeconds: undefined,
  predictedTokens: undefined,
  predictedSeconds: undefined,
  requestsProcessing: undefined,
  requestsDeferred: undefined,
  kvCacheRatio: undefined,
};

function vramThreshold({ sample }: ServiceUsage, { services }: SettledConfig): number | undefined {
  const percentage = services.find(({ name }) => name === sample.name)?.vramThreshold;
  return percentage === undefined ? undefined : percentage / 100;
}

function deploymentDocument({ snapshot, config: { watchHours } }: Report): object | undefined {
  const { deployment } = snapshot;
  if (deployment === undefined) return undefined;
  const { id, startedAt, appliedAt, bundles } = deployment;
  return {
    id,
    startedAt: utcTime(startedAt * 1000),
    appliedAt: utcTime(appliedAt * 1000),
    watchedUntil: utcTime(watchEnd(deployment, watchHours)),
    watched: watchedDeployment(snapshot, watchHours) !== undefined,
    bundles,
  };
}

function nullFor(_key: string, value: unknown): unknown {
  return value === undefined ? null : value;
}
