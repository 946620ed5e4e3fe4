import { closeSync, fstatSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SettledConfig } from "../config/schema";
import { listFolder, readText } from "../host/files";
import type { Report } from "../report/report";
import { utcTime } from "../render/times";
import { isObject } from "../parse/documents";
import { ensureFolder } from "./atomic";

/** The bound is kept by dropping whole segments, so one may be an eighth of it. */
const SEGMENTS = 8;
const NAME = /^history-([0-9]{8})\.jsonl$/;

/**
 * The past, a line of JSON per `everySeconds`, in segments `history-NNNNNNNN.jsonl`: the newest is appended to, and
 * the oldest are dropped when all are larger than `maxBytes` or older than `days`. A line that a crash tore stays
 * alone: the next one begins on a line of its own, and readers skip what does not parse.
 */
export class History {
  private lastSeconds: number | undefined;
  private readonly folder: string;

  constructor(
    private readonly stateFolder: string,
    private readonly bounds: SettledConfig["history"],
  ) {
    this.folder = historyFolder(stateFolder);
  }

  /** Adds a record when one is due. */
  add(report: Report): void {
    const { monotonicSeconds, time } = report.snapshot;
    const due =
      this.lastSeconds === undefined || monotonicSeconds - this.lastSeconds >= this.bounds.everySeconds;
    if (!due) return;
    ensureFolder(this.folder);
    const segments = historySegments(this.stateFolder);
    const newest = segments.at(-1);
    const limit = this.bounds.maxBytes / SEGMENTS;
    const full =
      newest !== undefined && (newest.bytes >= limit || this.isOld(newest.startedAt, time, SEGMENTS));
    const number = newest === undefined ? 1 : newest.number + (full ? 1 : 0);
    append(this.path(number), `${renderRecord(report)}\n`);
    this.lastSeconds = monotonicSeconds;
    this.drop(segments, time);
  }

  /** The records of a time, oldest first; what a crash tore is skipped. */
  *between(from: number, to: number): Generator<HistoryRecord> {
    for (const { path, changedAt } of historySegments(this.stateFolder)) {
      if (changedAt < from) continue;
      for (const line of (readText(path) ?? "").split("\n")) {
        const record = parseRecord(line);
        if (record === undefined) continue;
        const time = Date.parse(record.time);
        if (time >= from && time <= to) yield record;
      }
    }
  }

  /** The newest segment is never dropped, so a clock that jumps ahead costs the old ones at most. */
  private drop(segments: HistorySegment[], time: number): void {
    let bytes = 0;
    for (const segment of segments.reverse()) {
      bytes += segment.bytes;
      const keep =
        segment === segments[0] || (bytes <= this.bounds.maxBytes && !this.isOld(segment.changedAt, time, 1));
      if (!keep) rmSync(segment.path, { force: true });
    }
  }

  private isOld(since: number, time: number, parts: number): boolean {
    return time - since > (this.bounds.days * 86_400_000) / parts;
  }

  private path(number: number): string {
    return join(this.folder, `history-${String(number).padStart(8, "0")}.jsonl`);
  }
}

/** One file of the history. */
export interface HistorySegment {
  readonly path: string;
  readonly number: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly changedAt: number;
}

/** The oldest first. */
export function historySegments(stateFolder: string): HistorySegment[] {
  const folder = historyFolder(stateFolder);
  return (listFolder(folder) ?? []).flatMap((name) => {
    const number = Number(NAME.exec(name)?.[1] ?? 0);
    const path = join(folder, name);
    const stats = number === 0 ? undefined : statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    return [{ path, number, bytes: stats.size, startedAt: stats.birthtimeMs, changedAt: stats.mtimeMs }];
  });
}

function historyFolder(stateFolder: string): string {
  return join(stateFolder, "history");
}

/** What is read back of a record. A record of an earlier version lacks what may be undefined. */
export interface HistoryRecord {
  readonly time: string;
  readonly memory: number | null;
  readonly swap: number | null;
  readonly cpu: number | null;
  readonly disk: number | null;
  readonly rootDisk?: number | null;
  readonly load?: number | null;
  readonly services: Readonly<Record<string, ServiceRecord | null>>;
  readonly gpus?: readonly GpuRecord[];
  readonly firing: readonly string[];
}

export interface ServiceRecord {
  readonly memory: number | null;
  readonly cpu: number | null;
  readonly waiting?: number | null;
}

export interface GpuRecord {
  readonly gpu: string;
  readonly utilization: number | null;
  readonly memory?: number | null;
}

export function parseRecord(line: string): HistoryRecord | undefined {
  if (line === "") return undefined;
  try {
    const record: unknown = JSON.parse(line);
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is HistoryRecord {
  if (!isObject(value) || !isObject(value.services) || !Array.isArray(value.firing)) return false;
  const { memory, swap, cpu, disk, rootDisk, load, services, gpus = [], firing, time } = value;
  return (
    typeof time === "string" &&
    !Number.isNaN(Date.parse(time)) &&
    [memory, swap, cpu, disk].every(isRatio) &&
    isRatioIfThere(rootDisk) &&
    (load === undefined || load === null || isNumber(load, 1e6)) &&
    firing.every((message) => typeof message === "string") &&
    Object.values(services).every((service) => service === null || isService(service)) &&
    Array.isArray(gpus) &&
    gpus.every(isGpu)
  );
}

function isService(value: unknown): boolean {
  return isObject(value) && isRatio(value.memory) && isRatio(value.cpu) && isRatioIfThere(value.waiting);
}

function isGpu(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.gpu === "string" &&
    isRatio(value.utilization) &&
    isRatioIfThere(value.memory)
  );
}

/** Or null, which is not measured; more than 1 where a limit was lowered under what is used. */
const isRatio = (value: unknown): boolean => value === null || isNumber(value, 1000);
const isRatioIfThere = (value: unknown): boolean => value === undefined || isRatio(value);
const isNumber = (value: unknown, most: number): boolean =>
  typeof value === "number" && value >= 0 && value <= most;

/** One line: when, and the ratios that an operator looks back at. */
export function renderRecord({ snapshot, usage, alerts }: Report): string {
  const rounded = (ratio: number | undefined) => (ratio === undefined ? null : Math.round(ratio * 1e4) / 1e4);
  return JSON.stringify({
    time: utcTime(snapshot.time),
    memory: rounded(usage.memory?.ratio),
    swap: rounded(usage.swap?.total?.ratio),
    cpu: rounded(usage.cpuRatio),
    disk: rounded(usage.disk?.ratio),
    rootDisk: rounded(usage.rootDisk?.ratio),
    load: snapshot.load?.one ?? null,
    oomKills: snapshot.oomKills ?? null,
    services: Object.fromEntries(
      (usage.services ?? []).map(({ sample, memoryRatio, cpuRatio, thrash }) => [
        sample.name,
        sample.running === undefined
          ? null
          : {
              usedBytes: sample.running.memory?.usedBytes ?? null,
              memory: rounded(memoryRatio),
              cpu: rounded(cpuRatio),
              waiting: rounded(thrash?.waitingRatio),
            },
      ]),
    ),
    gpus: (snapshot.gpu?.gpus ?? []).map(
      ({ index, utilizationRatio, memoryUsedBytes: used, memoryTotalBytes: all }) => ({
        gpu: index,
        utilization: rounded(utilizationRatio),
        memoryUsedBytes: used ?? null,
        memory: rounded(used === undefined || all === undefined || all === 0 ? undefined : used / all),
      }),
    ),
    firing: alerts.filter(({ phase }) => phase === "firing").map(({ message }) => message),
  });
}

function append(path: string, line: string): void {
  const file = openSync(path, "a+", 0o644);
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    const torn = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
    writeSync(file, torn ? `\n${line}` : line);
  } finally {
    closeSync(file);
  }
}
