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
    stateFolder: string,
    private readonly bounds: SettledConfig["history"],
  ) {
    this.folder = join(stateFolder, "history");
  }

  /** Adds a record when one is due. */
  add(report: Report): void {
    const { monotonicSeconds, time } = report.snapshot;
    const due =
      this.lastSeconds === undefined || monotonicSeconds - this.lastSeconds >= this.bounds.everySeconds;
    if (!due) return;
    ensureFolder(this.folder);
    const segments = this.segments();
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
    for (const { number, changedAt } of this.segments()) {
      if (changedAt < from) continue;
      for (const line of (readText(this.path(number)) ?? "").split("\n")) {
        const record = parseRecord(line);
        if (record === undefined) continue;
        const time = Date.parse(record.time);
        if (time >= from && time <= to) yield record;
      }
    }
  }

  private segments() {
    return (listFolder(this.folder) ?? []).flatMap((name) => {
      const number = Number(NAME.exec(name)?.[1] ?? 0);
      const stats = number === 0 ? undefined : statSync(join(this.folder, name), { throwIfNoEntry: false });
      if (stats === undefined) return [];
      return [{ number, bytes: stats.size, startedAt: stats.birthtimeMs, changedAt: stats.mtimeMs }];
    });
  }

  /** The newest segment is never dropped, so a clock that jumps ahead costs the old ones at most. */
  private drop(segments: { number: number; bytes: number; changedAt: number }[], time: number): void {
    let bytes = 0;
    for (const segment of segments.reverse()) {
      bytes += segment.bytes;
      const keep =
        segment === segments[0] || (bytes <= this.bounds.maxBytes && !this.isOld(segment.changedAt, time, 1));
      if (!keep) rmSync(this.path(segment.number), { force: true });
    }
  }

  private isOld(since: number, time: number, parts: number): boolean {
    return time - since > (this.bounds.days * 86_400_000) / parts;
  }

  private path(number: number): string {
    return join(this.folder, `history-${String(number).padStart(8, "0")}.jsonl`);
  }
}

/** What is read back of a record. */
export interface HistoryRecord {
  readonly time: string;
  readonly memory: number | null;
  readonly swap: number | null;
  readonly cpu: number | null;
  readonly disk: number | null;
  readonly services: Readonly<
    Record<string, { readonly memory: number | null; readonly cpu: number | null } | null>
  >;
  readonly firing: readonly string[];
}

function parseRecord(line: string): HistoryRecord | undefined {
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
  const { memory, swap, cpu, disk, services, firing, time } = value;
  return (
    typeof time === "string" &&
    !Number.isNaN(Date.parse(time)) &&
    [memory, swap, cpu, disk].every(isRatio) &&
    firing.every((message) => typeof message === "string") &&
    Object.values(services).every(
      (service) => service === null || (isObject(service) && isRatio(service.memory) && isRatio(service.cpu)),
    )
  );
}

/** Or null, which is not measured; more than 1 where a limit was lowered under what is used. */
const isRatio = (value: unknown): boolean =>
  value === null || (typeof value === "number" && value >= 0 && value <= 1000);

/** One line: when, and the ratios that an operator looks back at. */
export function renderRecord({ snapshot, usage, alerts }: Report): string {
  const rounded = (ratio: number | undefined) => (ratio === undefined ? null : Math.round(ratio * 1e4) / 1e4);
  return JSON.stringify({
    time: utcTime(snapshot.time),
    memory: rounded(usage.memory?.ratio),
    swap: rounded(usage.swap?.total?.ratio),
    cpu: rounded(usage.cpuRatio),
    disk: rounded(usage.disk?.ratio),
    load: snapshot.load?.one ?? null,
    oomKills: snapshot.oomKills ?? null,
    services: Object.fromEntries(
      (usage.services ?? []).map(({ sample, memoryRatio, cpuRatio }) => [
        sample.name,
        sample.running === undefined
          ? null
          : {
              usedBytes: sample.running.memory?.usedBytes ?? null,
              memory: rounded(memoryRatio),
              cpu: rounded(cpuRatio),
            },
      ]),
    ),
    gpus: (snapshot.gpu?.gpus ?? []).map(({ index, utilizationRatio, memoryUsedBytes }) => ({
      gpu: index,
      utilization: rounded(utilizationRatio),
      memoryUsedBytes: memoryUsedBytes ?? null,
    })),
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
