import type { Deployment } from "../parse/documents";
import type { HistoryRecord } from "../output/history";
import type { Snapshot } from "./snapshot";

/** When the host is watched after a deployment, in milliseconds since 1970. */
export function watchEnd({ appliedAt }: Deployment, watchHours: number): number {
  return (appliedAt + watchHours * 3600) * 1000;
}

/** The id of the deployment that is watched now, if one is. */
export function watchedDeployment(
  { deployment, time }: Pick<Snapshot, "deployment" | "time">,
  watchHours: number,
): string | undefined {
  if (deployment === undefined || time < deployment.startedAt * 1000) return undefined;
  return time < watchEnd(deployment, watchHours) ? deployment.id : undefined;
}

/** A ratio over some time. */
export interface Course {
  readonly mean: number;
  readonly max: number;
}

/** What the history tells of some time. */
export interface Period {
  readonly records: number;
  /** By what is measured: `memory`, `ollama memory`. */
  readonly courses: ReadonlyMap<string, Course>;
  /** How often each kind of alert was raised, the most frequent first. */
  readonly alerts: ReadonlyMap<string, number>;
}

export function summarize(history: Iterable<HistoryRecord>): Period {
  const sums = new Map<string, { sum: number; count: number; max: number }>();
  const alerts = new Map<string, number>();
  let records = 0;
  let firing = new Set<string>();
  for (const record of history) {
    records += 1;
    for (const [name, value] of ratiosOf(record)) {
      const { sum, count, max } = sums.get(name) ?? { sum: 0, count: 0, max: 0 };
      sums.set(name, { sum: sum + value, count: count + 1, max: Math.max(max, value) });
    }
    const now = new Set(record.firing.map(alertKind));
    for (const kind of now) if (!firing.has(kind)) alerts.set(kind, (alerts.get(kind) ?? 0) + 1);
    firing = now;
  }
  const courses = [...sums].map(([name, { sum, count, max }]) => [name, { mean: sum / count, max }] as const);
  return {
    records,
    courses: new Map(courses),
    alerts: new Map([...alerts].sort(([, a], [, b]) => b - a)),
  };
}

function ratiosOf({ memory, swap, cpu, disk, services }: HistoryRecord): [string, number][] {
  const ratios: [string, number | null | undefined][] = [
    ["memory", memory],
    ["cpu", cpu],
    ["swap", swap],
    ["disk", disk],
    ...Object.entries(services).flatMap(([name, service]): [string, number | null | undefined][] => [
      [`${name} memory`, service?.memory],
      [`${name} cpu`, service?.cpu],
    ]),
  ];
  return ratios.flatMap(([name, value]) => (typeof value === "number" ? [[name, value]] : []));
}

/** `High memory usage: 92% (18.4GB/20GB)` without what differs from time to time. */
function alertKind(message: string): string {
  return message.replace(/(: | at )[^]*$/, "");
}
