import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HistoryRequests } from "../../monitor/http/history";
import type { HistoryRecord } from "../../monitor/output/history";
import { readHistory } from "../../monitor/output/history-reader";
import { ColumnSums, type HistoryColumns, pointsFor } from "../../monitor/report/history-columns";
import { settled } from "./fixture-host";

const NOW = Date.UTC(2025, 11, 8, 10, 30);
const HOUR = 3_600_000;
const BARE = { swap: null, cpu: null, disk: null, services: {}, firing: [] } as const;

const utc = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`;
const record = (time: number, memory: number | null, more: Partial<HistoryRecord> = {}): HistoryRecord => ({
  time: utc(time),
  memory,
  ...BARE,
  ...more,
});

describe("columns", () => {
  const columns = (hours: number, points: number, records: readonly HistoryRecord[]): HistoryColumns => {
    const sums = new ColumnSums((NOW - hours * HOUR) / 1000, NOW / 1000, 60, points);
    for (const one of records) sums.add(one);
    return sums.columns();
  };

  test("a record a step is kept as it is; what was not measured is null, and what never was has no column", () => {
    expect(
      columns(1, 400, [
        record(NOW - 120_000, 0.5, { load: 1.25 }),
        record(NOW - 60_000, null, { load: 0 }),
        record(NOW, 0.7),
      ]),
    ).toEqual({
      stepSeconds: 9,
      time: [NOW / 1000 - 120, NOW / 1000 - 60, NOW / 1000],
      series: [
        { name: "memory", mean: [0.5, null, 0.7] },
        { name: "load", mean: [1.25, 0, null] },
      ],
      omitted: 0,
    });
  });

  test("several in a step are their mean and their highest, in whatever order a clock had them written", () => {
    const begin = NOW - HOUR;
    const { stepSeconds, time, series } = columns(1, 4, [
      record(begin + 120_000, 0.9),
      record(begin, 0.1),
      record(begin + 60_000, 0.2),
      record(begin + 16 * 60_000, 0.6),
    ]);
    expect([stepSeconds, time]).toEqual([900, [begin / 1000 + 60, begin / 1000 + 960]]);
    expect(series).toEqual([{ name: "memory", mean: [0.4, 0.6], max: [0.9, 0.6] }]);
  });

  test("a time without records is a gap, a single one that is missed is none", () => {
    const at = (minutes: number) => record(NOW - minutes * 60_000, 0.5);
    const { time, series } = columns(1, 400, [at(50), at(48), at(20)]);
    expect(time.map((second) => (NOW / 1000 - second) / 60)).toEqual([50, 48, 47, 20]);
    expect(series).toEqual([{ name: "memory", mean: [0.5, 0.5, null, 0.5] }]);
  });

  test("what lies outside of the time is left out; services and GPUs have columns of their own", () => {
    const { series } = columns(1, 400, [
      record(NOW - 2 * HOUR, 0.1),
      record(NOW + HOUR, 0.1),
      record(NOW, null, {
        services: { ollama: { memory: 0.5, cpu: null, waiting: 0.01 }, gone: null },
        gpus: [{ gpu: "0", utilization: 0.4, memory: 0.6 }],
      }),
    ]);
    expect(series).toEqual([
      { name: "serviceMemory", service: "ollama", mean: [0.5] },
      { name: "serviceWaiting", service: "ollama", mean: [0.01] },
      { name: "gpuUtilization", gpu: "0", mean: [0.4] },
      { name: "gpuMemory", gpu: "0", mean: [0.6] },
    ]);
  });

  test("many services get fewer points each, and there is an end to them", () => {
    expect([pointsFor(1), pointsFor(31), pointsFor(922), pointsFor(1e6)]).toEqual([400, 400, 52, 40]);
    const names = Array.from({ length: 1500 }, (_, index) => `s${index}`);
    const services = Object.fromEntries(names.map((name) => [name, { memory: 0.1, cpu: null }]));
    const { series, omitted } = columns(1, 40, [record(NOW, null, { services })]);
    expect([series.length, omitted]).toEqual([1000, 500]);
  });
});

describe("on disk", () => {
  let state: string;
  const segment = (number: number): string =>
    join(state, "history", `history-${String(number).padStart(8, "0")}.jsonl`);
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "airm-history-"));
    mkdirSync(join(state, "history"));
  });
  afterEach(() => {
    rmSync(state, { recursive: true });
  });

  async function read(from: number, to: number): Promise<string[]> {
    const times: string[] = [];
    await readHistory(state, from, to, ({ time }) => times.push(time));
    return times;
  }

  test("torn, absurd and endless lines cost themselves alone", async () => {
    const line = (minutes: number, more: object = {}) =>
      `${JSON.stringify({ ...record(NOW - minutes * 60_000, 0.5), ...more })}\n`;
    writeFileSync(
      segment(1),
      [
        line(10),
        '{"time":"2025-12-08T10:2\n',
        line(9, { memory: 7e9 }),
        line(8, { load: "high" }),
        line(7, { services: { x: { memory: "much", cpu: null } } }),
        line(6, { gpus: [{ gpu: 0 }] }),
        `${"x".repeat(2_000_000)}\n`,
        "\n",
        `[${line(5).trim()}]\n`,
        line(4),
        line(3).replace("\n", ""),
      ].join(""),
    );
    expect(await read(NOW - HOUR, NOW)).toEqual([utc(NOW - 600_000), utc(NOW - 240_000)]);
    appendFileSync(segment(1), `\n${line(2)}`);
    expect((await read(NOW - HOUR, NOW)).slice(-2)).toEqual([utc(NOW - 180_000), utc(NOW - 120_000)]);
    expect(await read(NOW - 200_000, NOW - 130_000)).toEqual([utc(NOW - 180_000)]);
  });

  test("no folder is no past; a segment that is too old is not opened", async () => {
    rmSync(join(state, "history"), { recursive: true });
    expect(await read(0, NOW)).toEqual([]);
    mkdirSync(join(state, "history"));
    writeFileSync(segment(1), `${JSON.stringify(record(NOW, 0.5))}\n`);
    utimesSync(segment(1), 1, 1);
    expect(await read(NOW - HOUR, NOW)).toEqual([]);
  });

  test(
    "a week in 10 MB is read in a few chunks of memory, lets timers run, and fits the answer",
    { timeout: 60_000 },
    async () => {
      const services = Object.fromEntries(
        Array.from({ length: 12 }, (_, index) => [
          `service-${index}`,
          { usedBytes: 1, memory: 0.5, cpu: 0.25, waiting: 0 },
        ]),
      );
      const minutes = 7 * 24 * 60;
      const files = 5;
      for (let file = 0; file < files; file++) {
        const lines = Array.from({ length: minutes / files }, (_, index) => {
          const minute = minutes - file * (minutes / files) - index;
          return JSON.stringify(record(NOW - minute * 60_000, 0.5, { services }));
        });
        writeFileSync(segment(file + 1), `${lines.join("\n")}\n`);
      }
      const bytes = Array.from({ length: files }, (_, file) => statSync(segment(file + 1)).size).reduce(
        (a, b) => a + b,
      );
      expect(bytes).toBeGreaterThan(8e6);
      const requests = new HistoryRequests(
        state,
        () => settled(),
        () => NOW,
      );
      let ticks = 0;
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        ticks += 1;
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      const before = process.memoryUsage();
      const started = performance.now();
      const answer = requests.ask(168);
      expect(requests.ask(6)).toBeUndefined();
      expect(requests.ask(168)).toBe(answer);
      const text = (await answer) ?? "";
      const took = performance.now() - started;
      clearInterval(timer);
      const after = process.memoryUsage();
      expect(ticks).toBeGreaterThan(20);
      // Nobody waits for it: what a collection would is far less than an interval, on a machine under load too.
      expect(longest).toBeLessThan(2000);
      expect(took).toBeLessThan(30_000);
      expect(after.external - before.external).toBeLessThan(4e6);
      expect(text.length).toBeLessThan(600_000);
      const { time, series } = JSON.parse(text) as HistoryColumns;
      expect([time.length, series.length]).toEqual([400, 1 + 3 * 12]);
      expect(series[0]?.mean.every((value) => value === 0.5)).toBe(true);
      expect(requests.ask(6)).toBeDefined();
    },
  );
});
