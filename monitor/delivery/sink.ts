import type { Alert, AlertEvent } from "../alerts/machine";
import type { Outcome } from "./outcome";

/** What one collection has to tell. */
export interface Telling {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly monotonicSeconds: number;
  readonly intervalSeconds: number;
  /** How the host is called by those who are told. */
  readonly host: string;
  /** What has changed. */
  readonly events: readonly AlertEvent[];
  /** All that is pending or fires. */
  readonly alerts: readonly Alert[];
  /** Whether what every host has was measured. */
  readonly seesAll: boolean;
}

/** Somebody who is told. */
export interface Sink {
  readonly name: string;
  /** Notes what is to be told; quick, and never fails. */
  note(telling: Telling): void;
  /** Tells what is due, one message at most; undefined when nothing is. Never rejects. */
  deliver(now: number): Promise<Outcome | undefined>;
  /** Messages that wait. */
  readonly waiting: number;
  /** Messages that were given up, because more came than are kept. */
  readonly dropped: number;
}
