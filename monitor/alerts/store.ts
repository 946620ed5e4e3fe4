import { join } from "node:path";
import { errorText, readText } from "../host/files";
import { ensureFolder, writeAtomically } from "../output/atomic";
import { isObject } from "../parse/documents";
import { ALERT_NAMES, LABEL_NAMES } from "./condition";
import type { Alert, AlertBook } from "./machine";

const MOST_MESSAGE = 4096;
const EMPTY: AlertBook = { bootId: undefined, alerts: [] };

/** The alerts over restarts of the monitor: `alerts.json` in the state folder. */
export class AlertStore {
  private readonly path: string;
  private last: string | undefined;

  constructor(private readonly folder: string) {
    this.path = join(folder, "alerts.json");
  }

  /** The alerts as last stored. What of them cannot be costs itself only, and `warn` hears of it. */
  load(warn: (message: string) => void): AlertBook {
    try {
      const text = readText(this.path);
      if (text === undefined) return EMPTY;
      const book: unknown = JSON.parse(text);
      if (isObject(book) && Array.isArray(book.alerts)) {
        const alerts = book.alerts.map(withLabels).filter(isAlert);
        const lost = book.alerts.length - alerts.length;
        if (lost > 0)
          warn(`${this.path}: ${lost} of its ${book.alerts.length} alerts are none; they start anew`);
        return { bootId: typeof book.bootId === "string" ? book.bootId : undefined, alerts };
      }
      warn(`${this.path} holds no alerts; they start anew`);
    } catch (error) {
      warn(`${this.path}: ${errorText(error)}; alerts start anew`);
    }
    return EMPTY;
  }

  /** Writes where an alert came, went or was told of; the numbers in its message are anew with each collection. */
  save(book: AlertBook): void {
    const state = JSON.stringify({
      ...book,
      alerts: book.alerts.map((alert) => ({ ...alert, message: "" })),
    });
    if (state === this.last) return;
    ensureFolder(this.folder);
    writeAtomically(this.path, `${JSON.stringify(book)}\n`);
    this.last = state;
  }
}

/** As it was stored before an alert could be about something else than a service. */
function withLabels(value: unknown): unknown {
  if (!isObject(value) || value.labels !== undefined) return value;
  const { service, ...about } = value;
  return { ...about, labels: service === undefined ? {} : { service } };
}

function isAlert(value: unknown): value is Alert {
  return (
    isObject(value) &&
    ALERT_NAMES.some((name) => name === value.alert) &&
    isObject(value.labels) &&
    Object.entries(value.labels).every(
      ([name, label]) => LABEL_NAMES.some((known) => known === name) && typeof label === "string",
    ) &&
    (value.severity === "warning" || value.severity === "critical") &&
    (value.phase === "pending" || value.phase === "firing") &&
    isSeconds(value.sinceSeconds) &&
    isSeconds(value.loggedSeconds) &&
    (value.firedAt === undefined || isTime(value.firedAt)) &&
    typeof value.message === "string" &&
    value.message.length <= MOST_MESSAGE
  );
}

const isSeconds = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= 0;

/** Milliseconds since 1970 that a date can be of (ECMAScript's time values). */
const isTime = (value: unknown): boolean => Number.isInteger(value) && Math.abs(Number(value)) <= 8.64e15;
