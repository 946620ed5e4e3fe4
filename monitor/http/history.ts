import type { SettledConfig } from "../config/schema";
import { readHistory } from "../output/history-reader";
import { JSON_SCHEMA_VERSION } from "../render/json";
import { utcTime } from "../render/times";
import { ColumnSums, pointsFor } from "../report/history-columns";

const PRESET_HOURS = 6;
const MOST_HOURS = 168;
/** Series of the host and of each service, and of some GPUs. */
const HOST_SERIES = 22;
const SERVICE_SERIES = 3;

/** The hours of `?hours=`; undefined for what is no whole number from 1 to 168. */
export function hoursOf(query: string): number | undefined {
  const text = new URLSearchParams(query).get("hours") ?? String(PRESET_HOURS);
  const hours = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  return hours >= 1 && hours <= MOST_HOURS ? hours : undefined;
}

/** The past for plots, out of what is on disk. */
export class HistoryRequests {
  private running: { readonly hours: number; readonly answer: Promise<string> } | undefined;

  constructor(
    private readonly stateFolder: string,
    private readonly config: () => SettledConfig,
    private readonly now: () => number,
  ) {}

  /** JSON; undefined while another question is at work: one reads at a time, and all who ask the same share it. */
  ask(hours: number): Promise<string> | undefined {
    if (this.running !== undefined) return this.running.hours === hours ? this.running.answer : undefined;
    const answer = this.read(hours).finally(() => {
      this.running = undefined;
    });
    this.running = { hours, answer };
    return answer;
  }

  private async read(hours: number): Promise<string> {
    const { history, services } = this.config();
    const to = this.now();
    const from = to - hours * 3_600_000;
    const points = pointsFor(HOST_SERIES + SERVICE_SERIES * services.length);
    const sums = new ColumnSums(Math.floor(from / 1000), Math.floor(to / 1000), history.everySeconds, points);
    await readHistory(this.stateFolder, from, to, (record) => {
      sums.add(record);
    });
    const about = { schemaVersion: JSON_SCHEMA_VERSION, from: utcTime(from), to: utcTime(to) };
    return `${JSON.stringify({ ...about, ...sums.columns() })}\n`;
  }
}
