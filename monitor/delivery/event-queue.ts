import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { AlertEvent } from "../alerts/machine";
import { errorText, readText } from "../host/files";
import { ensureFolder, writeAtomically } from "../output/atomic";
import { isObject } from "../parse/documents";

/** Of an alert that came or went. */
export interface QueuedEvent extends Omit<AlertEvent, "repeated"> {
  /** The same for each attempt: who gets it twice can tell. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Older ones are dropped, and counted, when a receiver is away for longer than that. */
const MOST = 500;

/** Events that wait for their receiver, also over a restart: `NAME-queue.json` in the state folder. */
export class EventQueue {
  /** So many were dropped. */
  dropped = 0;
  private readonly path: string;
  private events: QueuedEvent[];

  constructor(
    private readonly folder: string,
    name: string,
    private readonly warn: (message: string) => void,
  ) {
    this.path = join(folder, `${name}-queue.json`);
    this.events = this.load();
  }

  get length(): number {
    return this.events.length;
  }

  /** The oldest. */
  get first(): QueuedEvent | undefined {
    return this.events[0];
  }

  add(events: readonly AlertEvent[], time: number): void {
    const news = events.filter(({ repeated }) => !repeated);
    if (news.length === 0) return;
    this.events.push(
      ...news.map(({ kind, alert, labels, severity, message }) => ({
        id: randomUUID(),
        time,
        ...{ kind, alert, labels, severity, message },
      })),
    );
    const over = Math.max(0, this.events.length - MOST);
    this.events.splice(0, over);
    this.dropped += over;
    this.save();
  }

  remove(id: string): void {
    this.events = this.events.filter((event) => event.id !== id);
    this.save();
  }

  private load(): QueuedEvent[] {
    try {
      const text = readText(this.path);
      const stored: unknown = text === undefined ? [] : JSON.parse(text);
      if (Array.isArray(stored)) return stored.filter(isEvent).slice(-MOST);
      this.warn(`${this.path} holds no events`);
    } catch (error) {
      this.warn(`${this.path}: ${errorText(error)}`);
    }
    return [];
  }

  /** A disk that is full costs what a restart would find; what waits is told all the same. */
  private save(): void {
    try {
      ensureFolder(this.folder);
      writeAtomically(this.path, `${JSON.stringify(this.events)}\n`);
    } catch (error) {
      this.warn(`${this.path}: ${errorText(error)}`);
    }
  }
}

function isEvent(value: unknown): value is QueuedEvent {
  return (
    isObject(value) &&
    ["id", "kind", "alert", "severity", "message"].every((key) => typeof value[key] === "string") &&
    Number.isFinite(value.time) &&
    Math.abs(Number(value.time)) <= 8.64e15
  );
}
