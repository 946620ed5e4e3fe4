import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostBars } from "../../monitor/page/model/bars";
import { type Metrics, type Past, readMetrics, readPast } from "../../monitor/page/model/document";
import {
  alertViews,
  deploymentText,
  noVerdicts,
  verdictViews,
  verificationText,
} from "../../monitor/page/model/notices";
import { pauseSeconds } from "../../monitor/page/model/pause";
import { describePlot, plotsOf, tableOf } from "../../monitor/page/model/plots";
import { modelViews, noModels, noServices, serviceViews } from "../../monitor/page/model/services";
import { stateOf } from "../../monitor/page/model/state";
import { durationText, plain, zoneText } from "../../monitor/page/model/words";

const SAMPLE = readMetrics(readFileSync(join(import.meta.dirname, "goldens", "sample.json"), "utf8"));
const failed = (name: string, error: string) => ({ name, state: "failed", error });
const with_ = (more: Partial<Metrics>): Metrics => ({ ...SAMPLE, ...more });
const bars = (metrics: Metrics) =>
  hostBars(metrics).map(({ label, text, notes, threshold }) => [label, text, notes.join(", "), threshold]);

describe("the state", () => {
  test("is well only where all was seen and nothing fires", () => {
    expect(stateOf(SAMPLE, undefined)).toEqual({ level: "good", headline: "All is well", details: [] });
    expect(stateOf(undefined, undefined).level).toBe("waiting");
    const gpu = with_({ collectors: [failed("gpu", "no driver")] });
    expect(stateOf(gpu, undefined)).toEqual({
      level: "warning",
      headline: "No alert, but not all is seen",
      details: ["gpu: not available (no driver)"],
    });
    const [first, ...others] = SAMPLE.services ?? [];
    const unknown = with_({
      services: [{ name: first?.name ?? "", up: null, problems: ["EACCES cgroup.events"] }, ...others],
    });
    expect(stateOf(unknown, undefined)).toMatchObject({
      level: "warning",
      details: ["ollama: not available (EACCES cgroup.events)"],
    });
  });

  test("is blind where what every host has was not read, beside its alerts", () => {
    const metrics = with_({
      collectors: [failed("memory", "/proc/meminfo is not there"), failed("zram", "x")],
      alerts: [{ message: "High CPU usage: 95%", phase: "firing", severity: "warning" }],
    });
    expect(stateOf(metrics, undefined)).toEqual({
      level: "blind",
      headline: "Cannot see: memory, 1 alert",
      details: ["memory: not available (/proc/meminfo is not there)", "zram: not available (x)"],
    });
  });

  test("counts what fires, the worst first, and tells of what may", () => {
    const metrics = with_({
      alerts: [
        { message: "a", phase: "firing", severity: "warning", firedAt: "2025-12-08T10:00:00Z" },
        { message: "b", phase: "firing", severity: "critical", firedAt: "2025-12-08T10:00:00Z" },
        { message: "c", phase: "pending", severity: "warning", firedAt: null },
      ],
      limits: [{ service: "ollama", limit: "IOWeight", verdict: "inert" }],
      utcOffsetMinutes: 90,
    });
    expect(stateOf(metrics, undefined)).toEqual({
      level: "critical",
      headline: "2 alerts",
      details: ["1 condition may become an alert.", "1 limit not enforced by the kernel."],
    });
    expect(alertViews(metrics).map(({ message, kind, about }) => [message, kind, about])).toEqual([
      ["b", "critical", "critical, since 2025-12-08 11:30:00"],
      ["a", "warning", "warning, since 2025-12-08 11:30:00"],
      ["c", "pending", "pending: not yet for as long as an alert needs"],
    ]);
  });

  test("is blind while nobody answers, and says of when the numbers are", () => {
    const problem = { text: "the last collection is 40 s old", forSeconds: 125 };
    expect(stateOf(SAMPLE, problem)).toEqual({
      level: "blind",
      headline: "Cannot see: the last collection is 40 s old",
      details: ["What follows is as it was at 2025-12-08 10:30:00, 2 min ago."],
    });
    expect(stateOf(undefined, { text: "no", forSeconds: undefined }).details).toEqual([
      "There are no numbers yet.",
    ]);
  });
});

describe("bars", () => {
  test("of the sample are its numbers, each with the threshold that there is", () => {
    expect(bars(SAMPLE)).toEqual([
      ["Memory", "65%", "13GB/20GB", 0.85],
      ["CPU", "45%", "4 online, load 1.52 0.97 0.41", 0.9],
      ["Swap", "12%", "2GB/16GB", 0.7],
      ["Disk /srv/models", "45%", "0.44TB/1TB, inodes 10%", 0.9],
      ["Disk /", "45%", "0.44TB/1TB, inodes 10%", 0.9],
      ["All AI services", "38%", "7GB/18GB", 0.95],
      ["GPU 0", "45%", "NVIDIA L4, 61 °C, 55 of 72 W", undefined],
      ["GPU 0 VRAM", "60%", "14.4GB/24GB", undefined],
    ]);
  });

  test("what was not measured is never 0, and says why", () => {
    const metrics = with_({
      memory: null,
      cpu: { online: 4, usedRatio: null },
      load: null,
      swap: null,
      filesystem: { path: "/srv/models", problem: "not mounted" },
      rootFilesystem: null,
      slice: { name: "ai.slice" },
      gpus: [{ index: "1", problem: "GPU is lost" }],
      collectors: [
        failed("memory", "torn"),
        failed("load", "gone"),
        failed("gpu", "ended"),
        failed("rootfs", "hung"),
      ],
    });
    expect(bars(metrics).map(([label, text, notes]) => [label, text, notes])).toEqual([
      ["Memory", "not available (torn)", ""],
      ["CPU", "not available (needs a second sample)", "4 online, load not available (gone)"],
      ["Swap", "not available", ""],
      ["Disk /srv/models", "not available (not mounted)", ""],
      ["Disk /", "not available (hung)", ""],
      ["All AI services", "not available (ai.slice has no limit)", ""],
      ["GPU 1", "not available (GPU is lost)", ""],
      ["GPU 1 VRAM", "not available (GPU is lost)", ""],
      ["GPUs", "not available (ended)", ""],
    ]);
    expect(hostBars(metrics).every(({ ratio }) => ratio === undefined)).toBe(true);
  });

  test("swap: none, zram alone, and a disk whose share is judged", () => {
    const swapBar = (swap: Metrics["swap"]) => bars(with_({ swap }))[2];
    expect(swapBar({ sizeBytes: 0, usedBytes: 0, usedRatio: null, judgedRatio: null })).toEqual([
      "Swap",
      "none",
      "",
      undefined,
    ]);
    const half = { sizeBytes: 2 ** 31, usedBytes: 2 ** 30, usedRatio: 0.5 };
    expect(swapBar({ ...half, judgedRatio: null })).toEqual([
      "Swap",
      "50%",
      "1GB/2GB, zram alone raises no alert",
      undefined,
    ]);
    expect(swapBar({ ...half, judgedRatio: 0.1 })).toEqual([
      "Swap",
      "50%",
      "1GB/2GB, on disk 10%, alert above 70%",
      undefined,
    ]);
  });
});

describe("services", () => {
  test("of the sample", () => {
    const [ollama, ...others] = serviceViews(SAMPLE);
    expect(others.map(({ name }) => name)).toEqual(["llamacpp", "local-llm-proxy"]);
    expect([ollama?.state, ollama?.stateText, ollama?.about]).toEqual([
      "running",
      "running since 2025-12-08 08:06:40",
      "ollama.service",
    ]);
    expect(
      ollama?.bars.map(({ label, text, notes, threshold }) => [label, text, notes.join(", "), threshold]),
    ).toEqual([
      ["Memory", "52%", "4.2GB/8GB", 0.95],
      ["CPU", "35%", "of 2 cores", undefined],
      ["Waits for memory", "0%", "of the time", 0.2],
      ["VRAM", "41%", "10GB used", undefined],
    ]);
    expect(ollama?.facts.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      "Probe: not asked",
      "Restarts: 0",
      "Killed for memory: 0",
      "Swapped: 1MB",
    ]);
    expect(others[0]?.facts[2]).toEqual({ name: "Killed for memory", value: "not available", isBad: false });
  });

  test("one that is down, one that nobody knows of, one without a limit, one whose probe fails", () => {
    const views = serviceViews(
      with_({
        services: [
          { name: "down", up: false },
          { name: "unknown", problems: ["EIO"] },
          {
            name: "free",
            up: true,
            memory: { usedBytes: 2 ** 30, limitBytes: null },
            probe: { success: false, error: "status 503" },
            problems: ["/sys/fs/cgroup/x/cpu.stat: EIO"],
          },
        ],
      }),
    );
    expect(views.map(({ state, stateText, bars: own }) => [state, stateText, own.length])).toEqual([
      ["down", "not running", 0],
      ["unknown", "not available (EIO)", 0],
      ["running", "running", 3],
    ]);
    expect(views[2]?.bars.map(({ text }) => text)).toEqual([
      "not available (1GB, no limit)",
      "not available (/sys/fs/cgroup/x/cpu.stat: EIO)",
      "not available (needs a second sample)",
    ]);
    expect(views[2]?.facts[0]).toEqual({ name: "Probe", value: "fails: status 503", isBad: true });
    expect(noServices(with_({ services: null, collectors: [failed("services", "EIO")] }))).toBe(
      "not available (EIO)",
    );
    expect(noServices(with_({ services: [] }))).toBe("none configured");
  });

  test("models: the largest first, with what a later monitor adds left alone", () => {
    const services = [
      {
        name: "ollama",
        models: [
          { name: "a", memoryBytes: 1 },
          { name: "b", memoryBytes: 2 ** 30, contextTokens: 4096, quantization: "Q4_K_M", later: "x" },
        ],
      },
    ];
    expect(modelViews(with_({ services }))).toEqual([
      { service: "ollama", name: "b Q4_K_M", memory: "1GB", vram: "not available", context: "4096 tokens" },
      { service: "ollama", name: "a", memory: "1B", vram: "not available", context: "not available" },
    ]);
    expect(noModels(with_({ services: [{ name: "x", models: [] }] }))).toBe("none loaded");
    expect(noModels(with_({ services: [{ name: "x" }] }))).toBe("no engine is asked");
    expect(noModels(with_({ collectors: [failed("llamacpp", "llamacpp: status 500")] }))).toBe(
      "not available (llamacpp: status 500)",
    );
    expect(noModels(with_({ collectors: [failed("models", "ollama: ECONNREFUSED")] }))).toBe(
      "not available (ollama: ECONNREFUSED)",
    );
  });
});

test("a llama-server tells what it does, and what it does not tell is left out", () => {
  const facts = (llamaCpp: object) =>
    serviceViews(with_({ services: [{ name: "x", up: true, llamaCpp }] }))[0]?.facts.flatMap(
      ({ name, value }) =>
        ["Probe", "Restarts", "Killed for memory"].includes(name) ? [] : [`${name}: ${value}`],
    );
  const told = { slots: 4, busySlots: 0, requestsDeferred: 2, promptTokensPerSecond: 812.44 };
  expect(facts({ ...told, predictedTokensPerSecond: 9.96 })).toEqual([
    "Busy slots: 0 of 4",
    "Waiting requests: 2",
    "Reads: 812.4 tokens/s",
    "Writes: 10.0 tokens/s",
  ]);
  expect(facts({ sleeping: true, slots: 4, busySlots: null })).toEqual(["Model: asleep"]);
});

test("limits, drift and a deployment that is watched", () => {
  const metrics = with_({
    limits: [
      { service: "ollama", limit: "MemoryMax", verdict: "enforced" },
      { service: "ollama", limit: "IOWeight", verdict: "inert" },
      { service: "llamacpp", limit: "MemoryMax", verdict: "enforced" },
    ],
    verification: { time: 1765189000, exitCode: 3, findings: 2 },
    deployment: { id: "20251208T101500Z", watched: true, watchedUntil: "2025-12-09T10:30:00Z" },
  });
  expect(
    verdictViews(metrics).map(({ service, summary, limits }) => [service, summary, limits[0]?.limit]),
  ).toEqual([
    ["llamacpp", "1 limit enforced", "MemoryMax"],
    ["ollama", "1 not enforced, 1 limit enforced", "IOWeight"],
  ]);
  expect(verificationText(metrics)).toEqual({ text: "2 findings at 2025-12-08 10:16:40", isBad: true });
  expect(verificationText(with_({ verification: { time: 0, exitCode: 2, findings: 0 } })).text).toBe(
    "failed at 1970-01-01 00:00:00 with exit status 2",
  );
  expect(deploymentText(metrics)).toBe("20251208T101500Z, watched until 2025-12-09 10:30:00 (24 h left)");
  expect([noVerdicts(SAMPLE), verificationText(SAMPLE).text, deploymentText(SAMPLE)]).toEqual([
    "not available (ai-resource-manager has not looked since boot)",
    "not available (verify has not run since boot)",
    "none yet",
  ]);
});

describe("plots", () => {
  const past: Past = {
    from: "2025-12-08T09:30:00Z",
    to: "2025-12-08T10:30:00Z",
    time: [
      Date.UTC(2025, 11, 8, 9, 31) / 1000,
      Date.UTC(2025, 11, 8, 9, 33) / 1000,
      Date.UTC(2025, 11, 8, 10, 29) / 1000,
    ],
    series: [
      { name: "memory", mean: [0.5, null, 0.719], max: [0.6, null, 0.8] },
      ...Array.from({ length: 9 }, (_, index) => ({
        name: "serviceMemory",
        service: `s${index}`,
        mean: [index / 10, null, 0],
      })),
    ],
  };

  test("show what there is, with its threshold; of many lines the highest", () => {
    const [memory, services, ...more] = plotsOf(past, SAMPLE);
    expect(more).toEqual([]);
    expect([memory?.title, memory?.threshold, memory?.lines.length]).toEqual(["Memory", 0.85, 1]);
    expect(services?.lines.map(({ label }) => label)).toEqual(["s8", "s7", "s6", "s5", "s4", "s3"]);
    expect(services?.note).toBe("The 6 highest of 9 are shown.");
    if (memory === undefined) throw new Error("no plot");
    expect(describePlot(memory, 1)).toBe("Memory, the last 1 hour. used: last 71%, mean 60%, highest 80%.");
    const { columns, rows } = tableOf(memory, past, 60);
    expect([columns, rows.length]).toEqual([["From", "used: mean (highest)"], 12]);
    expect([rows[0], rows[1], rows[11]]).toEqual([
      ["2025-12-08 10:30", "50% (60%)"],
      ["2025-12-08 10:35", "not measured"],
      ["2025-12-08 11:25", "71% (80%)"],
    ]);
  });
});

test("what is no answer of a monitor is refused", () => {
  for (const text of ["null", "{}", '{"schemaVersion":3,"time":"x"}', "[]"])
    expect(() => readMetrics(text)).toThrow("load the page again");
  expect(() => readPast('{"time":[]}')).toThrow("load the page again");
});

test("words", () => {
  expect([1, 119, 121, 7300, 200_000].map(durationText)).toEqual(["1 s", "119 s", "2 min", "2 h", "2 d"]);
  expect([0, 60, -210, null].map(zoneText)).toEqual(["UTC", "UTC+01:00", "UTC-03:30", "UTC"]);
  expect(plain("a\u202eb\u0007c")).toBe("a\ufffdb\ufffdc");
  // Each failure in a row doubles the pause, up to a minute; an interval longer than that stays.
  expect([0, 1, 2, 5, 50].map((failures) => pauseSeconds(10, failures))).toEqual([10, 20, 40, 60, 60]);
  expect(pauseSeconds(300, 3)).toBe(300);
});
