import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { AlertInput } from "../../monitor/alerts/condition";
import { AlertLog, renderLogLine } from "../../monitor/alerts/log";
import { type AlertBook, clearBelow, type Now, stepAlerts } from "../../monitor/alerts/machine";
import { Recent } from "../../monitor/alerts/recent";
import { AlertStore } from "../../monitor/alerts/store";
import { FixtureHost } from "./fixture-host";

const hosts: FixtureHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
});

function fixture(): FixtureHost {
  const host = new FixtureHost();
  hosts.push(host);
  return host;
}

const TIMING = { forSeconds: 60, repeatSeconds: 3600 };

function memory(value: number | undefined, more: Partial<AlertInput> = {}): AlertInput {
  return {
    alert: "memory",
    labels: {},
    severity: "warning",
    value,
    threshold: 0.85,
    immediate: false,
    message: `High memory usage: ${value === undefined ? "?" : Math.round(value * 100)}%`,
    ...more,
  };
}

/** Steps through values, at seconds of one boot; returns each step's events as text. */
function run(steps: [seconds: number, inputs: AlertInput[], bootId?: string][], book?: AlertBook) {
  let current: AlertBook = book ?? { bootId: "a", alerts: [] };
  const events = steps.map(([seconds, inputs, bootId = "a"]) => {
    const now: Now = { bootId, monotonicSeconds: seconds, time: seconds * 1000 };
    const result = stepAlerts(current, inputs, now, TIMING);
    current = result.book;
    return result.events.map(({ kind, message }) => `${kind}: ${message}`).join("; ");
  });
  return { events, book: current };
}

describe("pending, firing, resolved", () => {
  test("raised once after it held, cleared once, five points below", () => {
    const { events, book } = run([
      [0, [memory(0.9)]],
      [59, [memory(0.91)]],
      [60, [memory(0.92)]],
      [70, [memory(0.95)]],
      [80, [memory(0.84)]],
      [90, [memory(0.81)]],
      [100, [memory(0.8)]],
      [110, [memory(0.8)]],
    ]);
    expect(events).toEqual([
      "",
      "",
      "ALERT: High memory usage: 92%",
      "",
      "",
      "",
      "RESOLVED: High memory usage: 80%",
      "",
    ]);
    expect(book.alerts).toEqual([]);
  });

  test("at the threshold is not above it, and a dip starts the time anew", () => {
    const { events } = run([
      [0, [memory(0.85)]],
      [100, [memory(0.86)]],
      [150, [memory(0.85)]],
      [160, [memory(0.9)]],
      [219, [memory(0.9)]],
      [220, [memory(0.9)]],
    ]);
    expect(events).toEqual(["", "", "", "", "", "ALERT: High memory usage: 90%"]);
  });

  test("the log repeats slowly", () => {
    const { events } = run([
      [0, [memory(0.9, { immediate: true })]],
      [3599, [memory(0.9)]],
      [3600, [memory(0.93)]],
      [7199, [memory(0.9)]],
      [7200, [memory(0.9)]],
    ]);
    expect(events.map((text) => text !== "")).toEqual([true, false, true, false, true]);
  });

  test("what is not measured neither raises nor clears", () => {
    const { events, book } = run([
      [0, [memory(undefined)]],
      [1, [memory(0.9, { immediate: true })]],
      [2, [memory(undefined)]],
    ]);
    expect(events).toEqual(["", "ALERT: High memory usage: 90%", ""]);
    expect(book.alerts.map(({ phase }) => phase)).toEqual(["firing"]);
  });

  test("what is watched no longer ends, with a word", () => {
    const service = memory(0.99, {
      alert: "service_memory",
      labels: { service: "ollama" },
      message: "Service ollama memory usage at 99%",
      immediate: true,
    });
    const { events } = run([
      [0, [service, memory(0.9)]],
      [1, [memory(0.9)]],
      [2, []],
    ]);
    expect(events).toEqual([
      "ALERT: Service ollama memory usage at 99%",
      "RESOLVED: Service ollama memory usage at 99% (no longer watched)",
      "",
    ]);
  });

  test("two services of one alert are two alerts", () => {
    const of = (service: string, value: number) =>
      memory(value, { alert: "service_memory", labels: { service }, message: service, immediate: true });
    const { events } = run([
      [0, [of("a", 0.9), of("b", 0.9)]],
      [1, [of("a", 0.1), of("b", 0.9)]],
    ]);
    expect(events).toEqual(["ALERT: a; ALERT: b", "RESOLVED: a"]);
  });

  test("a low threshold clears a fifth below, so that it can", () => {
    expect(clearBelow(0.85)).toBeCloseTo(0.8, 8);
    expect(clearBelow(0.1)).toBeCloseTo(0.08, 8);
    expect(clearBelow(0.02)).toBeGreaterThan(0);
    expect(clearBelow(0)).toBe(0);
  });
});

describe("what happened of late", () => {
  test("is the growth of a counter within ten minutes, from where it was first seen", () => {
    const recent = new Recent();
    const at = (seconds: number, value?: number) => recent.grown("x", value, seconds);
    expect([at(0), at(10, 7), at(20, 7), at(30, 9), at(300), at(600, 10)]).toEqual([
      undefined,
      0,
      0,
      2,
      2,
      3,
    ]);
    expect([at(630, 10), at(631, 10), at(1201, 10)]).toEqual([3, 1, 0]);
    // A counter that began anew at 0.
    expect(at(1210, 2)).toBe(2);
    expect(recent.grown("y", 5, 1210)).toBe(0);
  });
});

describe("over restarts", () => {
  test("the same boot goes on counting", () => {
    const { book } = run([[100, [memory(0.9)]]]);
    expect(run([[160, [memory(0.9)]]], book).events).toEqual(["ALERT: High memory usage: 90%"]);
  });

  test("another boot starts a pending one anew and keeps a firing one, without a second line", () => {
    const pending = run([[5000, [memory(0.9)]]]).book;
    const after = run(
      [
        [10, [memory(0.9)], "b"],
        [69, [memory(0.9)], "b"],
        [70, [memory(0.9)], "b"],
      ],
      pending,
    );
    expect(after.events).toEqual(["", "", "ALERT: High memory usage: 90%"]);
    const firing = run([[5000, [memory(0.9, { immediate: true })]]]).book;
    const kept = run(
      [
        [10, [memory(0.9)], "b"],
        [20, [memory(0.2)], "b"],
      ],
      firing,
    );
    expect(kept.events).toEqual(["", "RESOLVED: High memory usage: 20%"]);
  });

  test("the store gives back what it was given; what it cannot understand is none, and told", () => {
    const host = fixture();
    const { book } = run([[0, [memory(0.9, { immediate: true })]]]);
    const store = new AlertStore(host.roots.state);
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    expect(store.load(warn)).toEqual({ bootId: undefined, alerts: [] });
    store.save(book);
    expect(new AlertStore(host.roots.state).load(warn).alerts.map(({ message }) => message)).toEqual([
      "High memory usage: 90%",
    ]);
    expect(warnings).toEqual([]);
    for (const text of ['{"bootId":"a","al', '{"alerts":{}}', "[]"]) {
      host.write("state/alerts.json", text);
      expect(new AlertStore(host.roots.state).load(warn)).toEqual({ bootId: undefined, alerts: [] });
    }
    expect(warnings).toHaveLength(3);
    expect(warnings[1]).toContain("alerts.json holds no alerts; they start anew");
  });

  test("an alert that cannot be costs itself only", () => {
    const host = fixture();
    const { book } = run([[0, [memory(0.9, { immediate: true })]]]);
    const [good] = book.alerts;
    const absurd = [
      { phase: "loud" },
      { severity: "fatal" },
      { firedAt: 1e300 },
      { firedAt: "today" },
      { sinceSeconds: -1 },
      { loggedSeconds: null },
      { labels: 7 },
      { labels: { service: 7 } },
      { labels: { host: "a" } },
      { message: "x".repeat(10_000) },
    ].map((wrong) => ({ ...good, ...wrong }));
    host.write("state/alerts.json", JSON.stringify({ bootId: "a", alerts: [null, ...absurd, good] }));
    const warnings: string[] = [];
    const loaded = new AlertStore(host.roots.state).load((message) => warnings.push(message));
    expect(loaded.alerts).toEqual([JSON.parse(JSON.stringify(good))]);
    expect(warnings).toEqual([expect.stringContaining("11 of its 12 alerts are none; they start anew")]);
  });

  test("a time that has not come yet keeps the log from no repeat", () => {
    const { book } = run([[0, [memory(0.9, { immediate: true })]]]);
    const ahead = { ...book, alerts: book.alerts.map((alert) => ({ ...alert, loggedSeconds: 1e12 })) };
    const { events } = run(
      [
        [10, [memory(0.9)]],
        [3609, [memory(0.9)]],
        [3610, [memory(0.91)]],
      ],
      ahead,
    );
    expect(events).toEqual(["", "", "ALERT: High memory usage: 91%"]);
  });
});

describe("alerts.log", () => {
  test("the specification's form, in local time", () => {
    const time = Date.UTC(2025, 11, 8, 10, 35, 0);
    const event = { kind: "ALERT", message: "High memory usage: 92% (18.4GB/20GB)" } as const;
    expect(renderLogLine(event, time, 0)).toBe(
      "2025-12-08 10:35:00 ALERT: High memory usage: 92% (18.4GB/20GB)",
    );
    expect(renderLogLine(event, time, 60)).toMatch(/^2025-12-08 11:35:00 /);
    expect(renderLogLine({ ...event, kind: "RESOLVED" }, time, -660)).toMatch(
      /^2025-12-07 23:35:00 RESOLVED: /,
    );
  });

  test("lines are appended, and the file is opened anew: rotation loses none", () => {
    const { roots } = fixture();
    const log = new AlertLog(roots.log);
    const path = join(roots.log, "alerts.log");
    log.write(["one", "two"]);
    renameSync(path, `${path}.1`);
    log.write(["three"]);
    writeFileSync(path, "");
    log.write(["four"]);
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("four\n");
    expect(log.errors).toBe(0);
  });

  test("the tail is the last lines, of a large file too", () => {
    const { roots } = fixture();
    const log = new AlertLog(roots.log);
    expect(log.tail(20)).toEqual([]);
    const lines = Array.from({ length: 2000 }, (_, index) => `line ${index} with some more text behind it`);
    log.write(lines.slice(0, 3));
    expect(log.tail(2)).toEqual(lines.slice(1, 3));
    writeFileSync(join(roots.log, "alerts.log"), `${lines.join("\n")}\n`);
    expect(log.tail(20)).toEqual(lines.slice(-20));
  });

  test("a full disk is counted, and its lines come when there is room again", () => {
    const { roots } = fixture();
    mkdirSync(roots.log, { recursive: true });
    const path = join(roots.log, "alerts.log");
    // Every write to /dev/full fails with ENOSPC (full(4)).
    symlinkSync("/dev/full", path);
    const log = new AlertLog(roots.log);
    log.write(["one"]);
    log.write(["two"]);
    log.write([]);
    expect(log.errors).toBe(3);
    rmSync(path);
    log.write(["three"]);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\nthree\n");
    expect(log.errors).toBe(3);
  });
});
