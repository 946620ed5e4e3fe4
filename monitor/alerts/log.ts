import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../host/files";
import { ensureFolder } from "../output/atomic";
import { localTime } from "../render/times";
import type { AlertEvent } from "./machine";

/** More lines than a full disk needs to keep; older ones are dropped, and counted as errors already. */
const MOST_PENDING = 200;
const TAIL_BYTES = 16_384;

/**
 * `2025-12-08 10:35:00 ALERT: High memory usage: 92% (18.4GB/20GB)`: the specification's form, in local time.
 * @param deployment the one that is watched, whose id follows
 */
export function renderLogLine(
  { kind, message }: Pick<AlertEvent, "kind" | "message">,
  time: number,
  utcOffsetMinutes: number,
  deployment?: string,
): string {
  const during = deployment === undefined ? "" : ` [deployment ${deployment}]`;
  return `${localTime(time, utcOffsetMinutes)} ${kind}: ${message}${during}`;
}

/**
 * alerts.log: one O_APPEND write per line, the file opened anew each time, so that logrotate may take it away at any
 * moment. A disk that is full stops nothing: the error is counted and the line tried again at the next collection.
 */
export class AlertLog {
  errors = 0;
  private readonly pending: string[] = [];
  private torn = false;
  private readonly path: string;

  constructor(private readonly folder: string) {
    this.path = join(folder, "alerts.log");
  }

  write(lines: readonly string[]): void {
    this.pending.push(...lines);
    this.pending.splice(0, this.pending.length - MOST_PENDING);
    for (let line = this.pending[0]; line !== undefined; line = this.pending[0]) {
      try {
        this.append(`${line}\n`);
      } catch {
        this.errors += 1;
        return;
      }
      this.pending.shift();
    }
  }

  /** The last lines, at most `count`. */
  tail(count: number): string[] {
    let file: number;
    try {
      file = openSync(this.path, "r");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return [];
      throw error;
    }
    try {
      const { size } = fstatSync(file);
      const start = Math.max(0, size - TAIL_BYTES);
      const bytes = Buffer.alloc(size - start);
      const read = readSync(file, bytes, 0, bytes.length, start);
      const lines = bytes.toString("utf8", 0, read).split("\n");
      if (start > 0) lines.shift();
      return lines.filter((line) => line !== "").slice(-count);
    } finally {
      closeSync(file);
    }
  }

  private append(line: string): void {
    ensureFolder(this.folder);
    const bytes = Buffer.from(this.torn ? `\n${line}` : line);
    const file = openSync(this.path, "a", 0o644);
    try {
      const written = writeSync(file, bytes);
      this.torn = written < bytes.length && written > 0 ? true : written === 0 ? this.torn : false;
      if (written < bytes.length)
        throw new Error(`${this.path}: only ${written} of ${bytes.length} bytes written`);
    } finally {
      closeSync(file);
    }
  }
}
