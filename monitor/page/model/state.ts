import { ESSENTIAL_COLLECTORS } from "../../report/snapshot";
import type { Alert, CollectorState, Metrics } from "./document";
import { counted, durationText, hostTime, notAvailable } from "./words";

/** How it is, from the best to the worst: `blind` is not to know. */
export type Level = "waiting" | "good" | "warning" | "critical" | "blind";

export interface State {
  readonly level: Level;
  readonly headline: string;
  /** What belongs to it, a sentence each. */
  readonly details: readonly string[];
}

/** Why there is nothing newer. */
export interface Problem {
  readonly text: string;
  /** Seconds since the monitor last answered with numbers; undefined when it never has. */
  readonly forSeconds: number | undefined;
}

const ESSENTIAL: ReadonlySet<string> = new Set(ESSENTIAL_COLLECTORS);

/** All is well is only said of a host of which all was seen. */
export function stateOf(metrics: Metrics | undefined, problem: Problem | undefined): State {
  if (problem !== undefined) return blindState(metrics, problem);
  if (metrics === undefined) return { level: "waiting", headline: "Asking the monitor", details: [] };
  const failed = (metrics.collectors ?? []).filter(({ state }) => state === "failed");
  const blind = failed.filter(({ name }) => ESSENTIAL.has(name));
  const unseen = [
    ...failed.map(({ name, error }) => `${name}: ${notAvailable(error)}`),
    ...unseenServices(metrics),
  ];
  const firing = alertsOf(metrics, "firing");
  const alerts = firing.length === 0 ? [] : [counted(firing.length, "alert")];
  if (blind.length > 0)
    return { level: "blind", headline: [cannotSee(blind), ...alerts].join(", "), details: unseen };
  const rest = [...unseen, ...asides(metrics)];
  if (firing.length > 0) {
    const isCritical = firing.some(({ severity }) => severity === "critical");
    return { level: isCritical ? "critical" : "warning", headline: alerts.join(), details: rest };
  }
  if (unseen.length > 0)
    return { level: "warning", headline: "No alert, but not all is seen", details: rest };
  return { level: "good", headline: "All is well", details: rest };
}

/** @param phase firing or pending */
export function alertsOf({ alerts }: Metrics, phase: string): readonly Alert[] {
  const order = (alert: Alert): number => (alert.severity === "critical" ? 0 : 1);
  return [...(alerts ?? [])]
    .filter((alert) => alert.phase === phase)
    .sort((one, other) => order(one) - order(other));
}

function blindState(metrics: Metrics | undefined, { text, forSeconds }: Problem): State {
  const headline = `Cannot see: ${text}`;
  if (metrics === undefined) return { level: "blind", headline, details: ["There are no numbers yet."] };
  const time = hostTime(metrics.time, metrics.utcOffsetMinutes) ?? "an unknown time";
  const since = forSeconds === undefined ? "" : `, ${durationText(forSeconds)} ago`;
  return { level: "blind", headline, details: [`What follows is as it was at ${time}${since}.`] };
}

function cannotSee(blind: readonly CollectorState[]): string {
  return `Cannot see: ${blind.map(({ name }) => name).join(", ")}`;
}

function unseenServices({ services }: Metrics): string[] {
  return (services ?? []).flatMap(({ name, up, problems }) => {
    const whys = problems ?? [];
    if (typeof up !== "boolean") return [`${name}: ${notAvailable(whys.join("; "))}`];
    return whys.length === 0 ? [] : [`Of ${name}: ${notAvailable(whys.join("; "))}`];
  });
}

/** Nothing to act on at once. */
function asides(metrics: Metrics): string[] {
  const pending = alertsOf(metrics, "pending").length;
  const loose = (metrics.limits ?? []).filter(({ verdict }) => verdict !== "enforced").length;
  return [
    ...(pending === 0 ? [] : [`${counted(pending, "condition")} may become an alert.`]),
    ...(loose === 0 ? [] : [`${counted(loose, "limit")} not enforced by the kernel.`]),
  ];
}
