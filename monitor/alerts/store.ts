import { join } from "node:path";
import { errorText, readText } from "../host/files";
import { ensureFolder, writeAtomically } from "../output/atomic";
import { isObject } from "../parse/documents";
import type { Alert, AlertBook } from "./machine";

const EMPTY: AlertBook = { bootId: undefined, alerts: [] };

/** The alerts over restarts of the monitor: `alerts.json` in the state folder. */
export class AlertStore {
  private readonly path: string;
  private last: string | undefined;

  constructor(private readonly folder: string) {
    this.path = join(folder, "alerts.json");
  }

  /** The alerts as last stored; a file that cannot be understood is none, and `warn` hears of it. */
  load(warn: (message: string) => void): AlertBook {
    try {
      const text = readText(this.path);
      if (text === undefined) return EMPTY;
      const book: unknown = JSON.parse(text);
      if (isObject(book) && Array.isArray(book.alerts) && book.alerts.every(isAlert)) {
        return { bootId: typeof book.bootId === "string" ? book.bootId : undefined, alerts: book.alerts };
      }
      warn(`${this.path} holds no alerts; they start anew`);
    } catch (error) {
      warn(`${this.path}: ${errorText(error)}; alerts start anew`);
    }
    return EMPTY;
  }

  /** Writes what changed. */
  save(book: AlertBook): void {
    const text = `${JSON.stringify(book)}\n`;
    if (text === this.last) return;
    ensureFolder(this.folder);
    writeAtomically(this.path, text);
    this.last = text;
  }
}

function isAlert(value: unknown): value is Alert {
  return (
    isObject(value) &&
    typeof value.alert === "string" &&
    (value.phase === "pending" || value.phase === "firing") &&
    typeof value.sinceSeconds === "number" &&
    typeof value.loggedSeconds === "number" &&
    typeof value.message === "string"
  );
}
