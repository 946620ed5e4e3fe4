import { type AlertInput, type AlertName, LABEL_NAMES, type Labels } from "./condition";

/** A condition that holds: not yet long enough (pending), or raised (firing). Times of day in ms, others monotonic s. */
export interface Alert {
  readonly alert: AlertName;
  readonly labels: Labels;
  readonly severity: "warning" | "critical";
  readonly phase: "pending" | "firing";
  /** When it began to hold. */
  readonly sinceSeconds: number;
  /** When it was raised, for people. */
  readonly firedAt: number | undefined;
  /** When the log last told of it. */
  readonly loggedSeconds: number;
  readonly message: string;
}

/** What the log is to be told, and whoever is called. */
export interface AlertEvent extends Pick<AlertInput, "alert" | "labels" | "severity" | "message"> {
  readonly kind: "ALERT" | "RESOLVED";
  /** Whether it was told before, and goes on: for the log alone. */
  readonly repeated: boolean;
}

/** The alerts and the boot in which their monotonic times were taken. */
export interface AlertBook {
  readonly bootId: string | undefined;
  readonly alerts: readonly Alert[];
}

export interface AlertTiming {
  readonly forSeconds: number;
  readonly repeatSeconds: number;
}

export interface Now {
  readonly bootId: string | undefined;
  readonly monotonicSeconds: number;
  readonly time: number;
}

/** Below which a raised alert clears: 5 points under the threshold, of a low threshold a fifth. */
export function clearBelow(threshold: number): number {
  // 0.85 - 0.05 is less than 0.8 in binary; a hair is added, so that 80% clears.
  return Math.max(threshold - 0.05, threshold * 0.8) + (threshold > 0 ? 1e-9 : 0);
}

/**
 * One step of all alerts: pending -> firing -> resolved. After a reboot a pending one starts anew, because its time was
 * counted in another boot, and a firing one stays so until it is measured to have ended.
 */
export function stepAlerts(
  book: AlertBook,
  inputs: readonly AlertInput[],
  now: Now,
  timing: AlertTiming,
): { book: AlertBook; events: AlertEvent[] } {
  const events: AlertEvent[] = [];
  const known = new Map(carryOver(book, now).map((alert) => [keyOf(alert), alert]));
  const alerts = inputs.flatMap((input) => {
    const key = keyOf(input);
    const next = step(known.get(key), input, now, timing, events);
    known.delete(key);
    return next ?? [];
  });
  for (const gone of known.values()) {
    if (gone.phase === "firing")
      events.push(eventOf("RESOLVED", { ...gone, message: `${gone.message} (no longer watched)` }));
  }
  return { book: { bootId: now.bootId, alerts }, events };
}

function carryOver({ bootId, alerts }: AlertBook, now: Now): Alert[] {
  const { monotonicSeconds } = now;
  // A time that has not come yet was never counted in this boot.
  const clamped = (seconds: number) => Math.min(seconds, monotonicSeconds);
  if (bootId === now.bootId)
    return alerts.map((alert) => ({
      ...alert,
      sinceSeconds: clamped(alert.sinceSeconds),
      loggedSeconds: clamped(alert.loggedSeconds),
    }));
  return alerts
    .filter(({ phase }) => phase === "firing")
    .map((alert) => ({ ...alert, sinceSeconds: monotonicSeconds, loggedSeconds: monotonicSeconds }));
}

function step(
  alert: Alert | undefined,
  input: AlertInput,
  now: Now,
  { forSeconds, repeatSeconds }: AlertTiming,
  events: AlertEvent[],
): Alert | undefined {
  const { value, threshold, message } = input;
  if (value === undefined) return alert;
  if (alert?.phase === "firing") {
    if (value <= clearBelow(threshold)) {
      events.push(eventOf("RESOLVED", input));
      return undefined;
    }
    const { severity } = input;
    // That it has become worse is news, though it fires already.
    const worse = severity === "critical" && alert.severity === "warning";
    if (!worse && now.monotonicSeconds - alert.loggedSeconds < repeatSeconds)
      return { ...alert, severity, message };
    events.push(eventOf("ALERT", input, !worse));
    return { ...alert, severity, message, loggedSeconds: now.monotonicSeconds };
  }
  if (value <= threshold) return undefined;
  const sinceSeconds = alert?.sinceSeconds ?? now.monotonicSeconds;
  const held = input.immediate || now.monotonicSeconds - sinceSeconds >= forSeconds;
  if (held) events.push(eventOf("ALERT", input));
  return {
    alert: input.alert,
    labels: input.labels,
    severity: input.severity,
    phase: held ? "firing" : "pending",
    sinceSeconds,
    firedAt: held ? now.time : undefined,
    loggedSeconds: now.monotonicSeconds,
    message,
  };
}

function eventOf(
  kind: AlertEvent["kind"],
  { alert, labels, severity, message }: Omit<AlertEvent, "kind" | "repeated">,
  repeated = false,
): AlertEvent {
  return { kind, repeated, alert, labels, severity, message };
}

/** What tells one alert from another. */
export function keyOf({ alert, labels }: Pick<AlertInput, "alert" | "labels">): string {
  return [alert, ...LABEL_NAMES.map((name) => labels[name] ?? "")].join("\0");
}
