import { percent } from "../../render/numbers";
import { has, type Metrics, type Past, type PastSeries } from "./document";
import { counted, hostTime } from "./words";

/** More lines than that nobody tells apart. */
const MOST_LINES = 6;
/** Rows of the table beside a plot. */
const TABLE_ROWS = 12;

type Values = readonly (number | null)[];

export interface Line {
  readonly label: string;
  readonly mean: Values;
  /** The highest of each step, where that differs. */
  readonly max: Values | undefined;
}

export interface Plot {
  readonly id: string;
  readonly title: string;
  readonly unit: "ratio" | "number";
  readonly lines: readonly Line[];
  readonly threshold: number | undefined;
  /** What is left out, and which is shown in its place. */
  readonly note: string | undefined;
}

interface Wanted {
  readonly id: string;
  readonly title: string;
  readonly names: Readonly<Record<string, string>>;
  readonly unit?: "number";
  /** Of `thresholds`. */
  readonly threshold?: string;
}

const WANTED: readonly Wanted[] = [
  { id: "memory", title: "Memory", names: { memory: "used" }, threshold: "memory" },
  { id: "cpu", title: "CPU", names: { cpu: "busy" }, threshold: "cpu" },
  { id: "swap", title: "Swap", names: { swap: "used" } },
  { id: "load", title: "Load, 1 minute", names: { load: "load" }, unit: "number" },
  { id: "disk", title: "Disks", names: { disk: "models", rootDisk: "root" }, threshold: "disk" },
  {
    id: "service-memory",
    title: "Services: memory of limit",
    names: { serviceMemory: "" },
    threshold: "service",
  },
  { id: "service-cpu", title: "Services: CPU of what they may use", names: { serviceCpu: "" } },
  {
    id: "service-waiting",
    title: "Services: time waiting for memory",
    names: { serviceWaiting: "" },
    threshold: "pressure",
  },
  { id: "gpu", title: "GPUs: utilisation", names: { gpuUtilization: "" } },
  { id: "gpu-memory", title: "GPUs: VRAM in use", names: { gpuMemory: "" } },
];

/** One for each kind of thing that the past knows of. */
export function plotsOf(past: Past, metrics: Metrics | undefined): Plot[] {
  return WANTED.flatMap(({ id, title, names, unit, threshold }): Plot[] => {
    const found = past.series
      .filter(({ name }) => Object.hasOwn(names, name))
      .map((one) => lineOf(one, names));
    if (found.length === 0) return [];
    const lines = found.length <= MOST_LINES ? found : highest(found);
    const note =
      lines.length < found.length ? `The ${lines.length} highest of ${found.length} are shown.` : undefined;
    const limit = threshold === undefined ? undefined : metrics?.thresholds?.[threshold];
    return [{ id, title, unit: unit ?? "ratio", lines, threshold: limit ?? undefined, note }];
  });
}

function lineOf({ name, service, gpu, mean, max }: PastSeries, names: Wanted["names"]): Line {
  const label = service ?? (has(gpu) ? `GPU ${gpu}` : (names[name] ?? name));
  return { label, mean, max: max ?? undefined };
}

function highest(lines: readonly Line[]): Line[] {
  const peak = new Map(lines.map((line) => [line, highestOf(line.max ?? line.mean) ?? -1]));
  return [...lines].sort((one, other) => (peak.get(other) ?? 0) - (peak.get(one) ?? 0)).slice(0, MOST_LINES);
}

function highestOf(values: Values): number | undefined {
  let most: number | undefined;
  for (const value of values) if (value !== null && (most === undefined || value > most)) most = value;
  return most;
}

function meanOf(values: Values): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

export function valueText(value: number | undefined, unit: Plot["unit"]): string {
  if (value === undefined) return "not measured";
  return unit === "ratio" ? percent(value) : String(Math.round(value * 100) / 100);
}

export interface LineSummary {
  readonly label: string;
  readonly last: string;
  readonly mean: string;
  readonly max: string;
}

/** What a line comes to, in words. */
export function summaryOf({ label, mean, max }: Line, unit: Plot["unit"]): LineSummary {
  return {
    label,
    last: valueText(mean.findLast((value) => value !== null) ?? undefined, unit),
    mean: valueText(meanOf(mean), unit),
    max: valueText(highestOf(max ?? mean), unit),
  };
}

/** What a plot says to those who do not see it. */
export function describePlot(plot: Plot, hours: number): string {
  const lines = plot.lines.map((line) => {
    const { label, last, mean, max } = summaryOf(line, plot.unit);
    return `${label}: last ${last}, mean ${mean}, highest ${max}`;
  });
  return `${plot.title}, the last ${counted(hours, "hour")}. ${lines.join(". ")}.`;
}

export interface PlotTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The same as a table: the range in twelve parts, each with its mean and its highest. */
export function tableOf(plot: Plot, past: Past, utcOffsetMinutes: number | null | undefined): PlotTable {
  const [from, to] = [Date.parse(past.from) / 1000, Date.parse(past.to) / 1000];
  const part = (to - from) / TABLE_ROWS;
  const rows = Array.from({ length: TABLE_ROWS }, (_, row) => {
    const [begin, end] = [from + row * part, from + (row + 1) * part];
    const inPart = (values: Values): Values =>
      values.filter((_value, index) => (past.time[index] ?? 0) >= begin && (past.time[index] ?? 0) < end);
    return [
      hostTime(begin * 1000, utcOffsetMinutes)?.slice(0, 16) ?? "",
      ...plot.lines.map(({ mean, max }) => {
        const [middle, most] = [meanOf(inPart(mean)), highestOf(inPart(max ?? mean))];
        if (middle === undefined) return valueText(undefined, plot.unit);
        return `${valueText(middle, plot.unit)} (${valueText(most, plot.unit)})`;
      }),
    ];
  });
  return { columns: ["From", ...plot.lines.map(({ label }) => `${label}: mean (highest)`)], rows };
}
