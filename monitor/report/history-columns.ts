import type { HistoryRecord } from "../output/history";

/** More points than that no plot of a page shows. */
const MOST_POINTS = 400;
const LEAST_POINTS = 40;
/** Of all series together: 24 bytes each while they are counted, some 12 in the answer. */
const MOST_VALUES = 48_000;
const MOST_SERIES = 1000;
/** So many steps without a record are a gap; the monitor was away. One may be missed. */
const GAP_STEPS = 2.5;

/** What a series is of. */
export interface SeriesAbout {
  readonly name: string;
  readonly service?: string;
  readonly gpu?: string;
}

/** One series; `null` is a step in which it was not measured. */
export interface HistorySeries extends SeriesAbout {
  readonly mean: readonly (number | null)[];
  /** The highest of each step. Absent where no step has more than one record: it is the mean. */
  readonly max?: readonly (number | null)[];
}

export interface HistoryColumns {
  /** Seconds between two points, about. */
  readonly stepSeconds: number;
  /** Seconds since 1970. A row of nulls alone stands where there is no record for a while. */
  readonly time: readonly number[];
  readonly series: readonly HistorySeries[];
  /** Series that are left out, as there are too many. */
  readonly omitted: number;
}

interface Sums {
  readonly about: SeriesAbout;
  readonly sum: Float64Array;
  readonly max: Float64Array;
  readonly count: Uint32Array;
}

/** How many points a plot may have, for the series that are expected. */
export function pointsFor(series: number): number {
  return Math.max(LEAST_POINTS, Math.min(MOST_POINTS, Math.floor(MOST_VALUES / Math.max(1, series))));
}

/** Records of a time in steps of the same length, in whatever order they come (a clock may have been set back). */
export class ColumnSums {
  readonly stepSeconds: number;
  private readonly steps: number;
  private readonly sums = new Map<string, Sums>();
  private readonly left = new Set<string>();
  private readonly times: Float64Array;
  private readonly records: Uint32Array;

  /** @param from the beginning, in seconds since 1970 */
  constructor(
    private readonly from: number,
    to: number,
    private readonly everySeconds: number,
    points: number,
  ) {
    this.stepSeconds = Math.max(1, Math.ceil((to - from) / points));
    this.steps = Math.floor((to - from) / this.stepSeconds) + 1;
    this.times = new Float64Array(this.steps);
    this.records = new Uint32Array(this.steps);
  }

  add(record: HistoryRecord): void {
    const seconds = Date.parse(record.time) / 1000;
    const step = Math.floor((seconds - this.from) / this.stepSeconds);
    if (!(step >= 0 && step < this.steps)) return;
    this.times[step] = (this.times[step] ?? 0) + seconds - this.from;
    this.records[step] = (this.records[step] ?? 0) + 1;
    for (const name of ["memory", "swap", "cpu", "disk", "rootDisk", "load"] as const)
      this.count(step, record[name], name, { name });
    for (const [service, sample] of Object.entries(record.services)) {
      this.count(step, sample?.memory, `memory of ${service}`, { name: "serviceMemory", service });
      this.count(step, sample?.cpu, `cpu of ${service}`, { name: "serviceCpu", service });
      this.count(step, sample?.waiting, `waiting of ${service}`, { name: "serviceWaiting", service });
    }
    for (const { gpu, utilization, memory } of record.gpus ?? []) {
      this.count(step, utilization, `utilization of gpu ${gpu}`, { name: "gpuUtilization", gpu });
      this.count(step, memory, `memory of gpu ${gpu}`, { name: "gpuMemory", gpu });
    }
  }

  columns(): HistoryColumns {
    const rows = this.rows();
    const hasMax = this.records.some((count) => count > 1);
    const of = (values: (step: number) => number | undefined): (number | null)[] =>
      rows.map(({ step }) => (step === undefined ? null : rounded(values(step))));
    return {
      stepSeconds: this.stepSeconds,
      time: rows.map(({ time }) => time),
      series: [...this.sums.values()].map(({ about, sum, max, count }) => {
        const counted = (step: number): number => count[step] ?? 0;
        const mean = of((step) => (counted(step) === 0 ? undefined : (sum[step] ?? 0) / counted(step)));
        if (!hasMax) return { ...about, mean };
        return { ...about, mean, max: of((step) => (counted(step) === 0 ? undefined : max[step])) };
      }),
      omitted: this.left.size,
    };
  }

  private count(step: number, value: number | null | undefined, key: string, about: SeriesAbout): void {
    if (value === null || value === undefined) return;
    const sums = this.sums.get(key) ?? this.begin(key, about);
    if (sums === undefined) return;
    sums.sum[step] = (sums.sum[step] ?? 0) + value;
    sums.max[step] = Math.max(sums.max[step] ?? 0, value);
    sums.count[step] = (sums.count[step] ?? 0) + 1;
  }

  private begin(key: string, about: SeriesAbout): Sums | undefined {
    if (this.sums.size >= MOST_SERIES) {
      if (this.left.size < MOST_SERIES) this.left.add(key);
      return undefined;
    }
    const { steps } = this;
    const sums: Sums = {
      about,
      sum: new Float64Array(steps),
      max: new Float64Array(steps),
      count: new Uint32Array(steps),
    };
    this.sums.set(key, sums);
    return sums;
  }

  /** The steps that have records, each at its records' time, and a row of none in each gap. */
  private rows(): { time: number; step: number | undefined }[] {
    const usual = Math.max(this.stepSeconds, this.everySeconds);
    const rows: { time: number; step: number | undefined }[] = [];
    for (let step = 0; step < this.steps; step++) {
      const count = this.records[step] ?? 0;
      if (count === 0) continue;
      const time = Math.round(this.from + (this.times[step] ?? 0) / count);
      const last = rows.at(-1);
      if (last !== undefined && time - last.time > GAP_STEPS * usual)
        rows.push({ time: Math.round(last.time + usual), step: undefined });
      rows.push({ time, step });
    }
    return rows;
  }
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 1e4) / 1e4;
}
