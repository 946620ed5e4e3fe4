import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Counter, Gauge, Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import type { SettledConfig } from "../../monitor/config/schema";
import { Monitor } from "../../monitor/monitor";
import type { Gpu } from "../../monitor/parse/gpu";
import type { Outputs } from "../../monitor/output/outputs";
import { FAMILIES } from "../../monitor/render/prometheus/render";
import { SAMPLE, SAMPLE_GPU } from "./specification-sample";
import {
  collectorOf,
  FakeClock,
  FixtureHost,
  GPU_READING,
  SERVICES,
  settled,
  type TestTools,
} from "./fixture-host";

const [GPU] = GPU_READING.gpus as [Gpu];

const hosts: FixtureHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
});

/** Two collections, ten seconds apart: the situation, then what `later` lays over it. */
async function collected(
  situations: string[],
  options: { config?: SettledConfig; later?: string[]; tools?: TestTools } = {},
): Promise<Outputs> {
  const { config = settled({ host: "goblin", services: SERVICES ?? [] }), later = [], tools = {} } = options;
  const host = new FixtureHost(...situations);
  hosts.push(host);
  host.write("manager/monitor-request", "first +0000\n");
  const clock = new FakeClock();
  const monitor = monitorOf(host, config, clock, tools);
  clock.pass(-10);
  monitor.prime();
  for (const name of later) host.overlay(name);
  clock.pass(10);
  return monitor.collect();
}

function monitorOf(host: FixtureHost, config: SettledConfig, clock: FakeClock, tools: TestTools): Monitor {
  return new Monitor(config, host.roots, collectorOf(host, config, { clock, ...tools }), clock, (message) => {
    throw new Error(message);
  });
}

/** Goldens are whole files; `UPDATE_GOLDENS=1` writes them, for a person to read. */
function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dirname, "goldens", name);
  if (process.env.UPDATE_GOLDENS === "1") writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}

/** What the sample's engines answer. */
const ANSWERS: Readonly<Record<string, string>> = {
  "http://127.0.0.1:11434/api/ps": JSON.stringify({
    models: [
      {
        name: "gemma3:4b",
        size: 6_591_830_464,
        size_vram: 5_333_539_264,
        context_length: 4096,
        details: { parameter_size: "4.3B", quantization_level: "Q4_K_M" },
        expires_at: "2025-12-08T10:34:00.93355Z",
      },
    ],
  }),
  "http://127.0.0.1:8080/props": JSON.stringify({
    default_generation_settings: { n_ctx: 8192 },
    total_slots: 4,
    model_alias: "qwen",
    model_ftype: "Q8_0",
    is_sleeping: false,
  }),
  "http://127.0.0.1:8080/slots": JSON.stringify([{ is_processing: true }, { is_processing: false }]),
  "http://127.0.0.1:8080/metrics": [
    ...["prompt_tokens_total 1200", "prompt_tokens_cached_total 300", "prompt_seconds_total 2.5"],
    ...["tokens_predicted_total 1500", "tokens_predicted_seconds_total 30"],
    ...["requests_processing 1", "requests_deferred 2", "kv_cache_usage_ratio 0.25"],
  ]
    .map((line) => `llamacpp:${line}\n`)
    .join(""),
};

const ENGINES: Readonly<Record<string, object>> = {
  ollama: { ollama: "http://127.0.0.1:11434" },
  llamacpp: { llamaCpp: { url: "http://127.0.0.1:8080", sleeps: false } },
};

const sample = () =>
  collected(["systemd"], {
    config: settled({ services: (SERVICES ?? []).map((one) => ({ ...one, ...ENGINES[one.name] })) }),
    later: ["systemd-10s-later"],
    tools: {
      gpu: { read: () => Promise.resolve(GPU_READING) },
      http: {
        get: (url) => Promise.resolve({ status: 200, body: ANSWERS[url] ?? "" }),
        status: () => Promise.reject(new Error("no probe")),
      },
    },
  });

test("the display is the specification's sample, line for line", async () => {
  const { display } = await sample();
  expect(display).toBe(SAMPLE + SAMPLE_GPU);
});

test("JSON, Prometheus and capacity of the sample are their goldens", async () => {
  const outputs = await sample();
  expectGolden("sample.json", outputs.json);
  expectGolden("sample.prom", outputs.prometheus);
  expectGolden("sample-capacity.json", outputs.capacity);
  expect(outputs.alerts).toBe("Firing: none\n\nLast alerts: none\n");
});

test("JSON tells of limits, a deployment that is watched, and the log's last lines", async () => {
  const host = new FixtureHost("systemd");
  hosts.push(host);
  host.write("manager/monitor-request", "first +0130\n");
  host.write("manager/limits.tsv", "ollama\tollama.service\tMemoryMax\tenforced\n");
  host.write(
    "manager/deployment.json",
    '{"id": "20251208T101500Z", "startedAt": 1765188900, "appliedAt": 1765189200, "bundles": ["ollama"]}',
  );
  host.write("log/alerts.log", "2025-12-08 10:00:00 ALERT: High CPU usage: 95%\n");
  const services = [{ name: "ollama", runtime: "systemd", vramThreshold: 90 }] as const;
  const config = settled({ host: "goblin", watchHours: 2, services: [...services] });
  const { json } = await monitorOf(host, config, new FakeClock(), {}).collect();
  expect(JSON.parse(json)).toMatchObject({
    host: "goblin",
    utcOffsetMinutes: 90,
    services: [{ name: "ollama", vramThreshold: 0.9 }],
    limits: [{ service: "ollama", limit: "MemoryMax", verdict: "enforced" }],
    deployment: {
      id: "20251208T101500Z",
      startedAt: "2025-12-08T10:15:00Z",
      appliedAt: "2025-12-08T10:20:00Z",
      watchedUntil: "2025-12-08T12:20:00Z",
      watched: true,
      bundles: ["ollama"],
    },
    alertLog: ["2025-12-08 10:00:00 ALERT: High CPU usage: 95%"],
  });
});

test("Prometheus' text is prom-client's, byte for byte", async () => {
  const situations: [string[], string[]][] = [
    [["systemd"], ["systemd-10s-later"]],
    [["zram-and-disk"], []],
    [["docker-cgroupfs"], []],
    [[], []],
  ];
  for (const [situation, later] of situations) {
    const { prometheus } = await collected(situation, {
      later,
      tools: {
        gpu: { read: () => Promise.resolve({ ...GPU_READING, gpus: [{ ...GPU, name: 'L4 "\\a\n' }] }) },
      },
    });
    expect(prometheus).toBe(await byPromClient(prometheus));
  }
});

/** The same samples, written by the library. */
async function byPromClient(text: string): Promise<string> {
  const registry = new Registry();
  for (const block of text.trimEnd().split("\n\n")) {
    const [help = "", type = "", ...lines] = block.split("\n");
    const [, name = "", about = ""] = /^# HELP (\S+) (.*)$/.exec(help) ?? [];
    const samples = lines.map((line) => {
      const [, labels = "", value = ""] = /^[a-z0-9_]+(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/([a-z_]+)=("(?:[^"\\]|\\.)*")/g)];
      return {
        labels: Object.fromEntries(
          pairs.map(([, key = "", quoted = ""]) => [key, String(JSON.parse(quoted))]),
        ),
        value: Number(value),
      };
    });
    const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
    const settings = { name, help: about, labelNames, registers: [registry] };
    if (type.endsWith("gauge")) {
      const gauge = new Gauge(settings);
      for (const { labels, value } of samples) gauge.set(labels, value);
    } else {
      const counter = new Counter(settings);
      for (const { labels, value } of samples) counter.inc(labels, value);
    }
  }
  return registry.metrics();
}

test("a bare host: no swap, no services, no GPU, a single sample", async () => {
  const host = new FixtureHost();
  hosts.push(host);
  const config = settled();
  const outputs = await monitorOf(host, config, new FakeClock(), {}).collect();
  expect(outputs.display).toBe(`=== AI System Resource Metrics ===
Timestamp: 2025-12-08T10:30:00Z

Memory: 65% (13GB/20GB)
Swap: none
CPU: not available
Disk (/srv/models): 45% (450GB/1TB)

Services:
  none configured
`);
  expect(outputs.prometheus).not.toMatch(/airm_(swap|zram|pressure|service|gpu|cpu_used)/);
});

test("stopped, limitless and unmeasured things are said to be so", async () => {
  const config = settled({
    services: [...(SERVICES ?? []), { name: "embedder", runtime: "container" }],
    models: { path: "/srv/other", mount: "required" },
  });
  const host = new FixtureHost("systemd");
  hosts.push(host);
  host.write("cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service/cgroup.events", "populated 0\nfrozen 0\n");
  host.write("cgroup/ai.slice/memory.max", "max\n");
  host.write("cgroup/ai.slice/ai-proxy.slice/local-llm-proxy.service/memory.max", "max\n");
  host.write("proc/meminfo", "MemTotal:       2097");
  const { display } = await monitorOf(host, config, new FakeClock(), {
    gpu: {
      read: () =>
        Promise.resolve({
          ...GPU_READING,
          gpus: GPU_READING.gpus.flatMap((gpu) => [
            { ...gpu, utilizationRatio: undefined },
            { ...gpu, index: "1", memoryUsedBytes: undefined },
          ]),
        }),
    },
  }).collect();
  expect(display).toBe(`=== AI System Resource Metrics ===
Timestamp: 2025-12-08T10:30:00Z

Memory: not available (/proc/meminfo has no MemAvailable: torn, or of another kernel)
Swap: 12% (2GB/16GB)
CPU: not available
Disk (/srv/other): not mounted

Services:
  ollama: 4.2GB / 8GB (52%) CPU: not available
  llamacpp: not running
  local-llm-proxy: 256MB (no limit) CPU: not available
  embedder: not running

GPU 0: GPU util not available, 60% memory util
GPU 1: 45% GPU util, memory util not available
`);
});

test("a host with cgroup v1 says what to boot with", async () => {
  const host = new FixtureHost("cgroup-v1");
  hosts.push(host);
  host.remove("cgroup/cgroup.controllers");
  const config = settled({ services: SERVICES ?? [] });
  const outputs = await monitorOf(host, config, new FakeClock(), {}).collect();
  expect(outputs.display).toContain(
    `Services:\n  not available (no cgroup v2 at ${host.roots.cgroup}: boot with systemd.unified_cgroup_hierarchy=1)\n`,
  );
  expect(outputs.prometheus).toContain('airm_collector_success{collector="services"} 0');
  expect(outputs.prometheus).toContain('airm_collector_success{collector="memory"} 1');
});

test("metric names hold base units only, and counters end in _total", () => {
  expect(FAMILIES.length).toBeGreaterThan(70);
  for (const { name, type, help } of FAMILIES) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name).not.toMatch(/percent|mib|mb|kib|gib|milli|micro|minutes|_ms\b/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    expect(help).toMatch(/\.$/);
  }
  expect(new Set(FAMILIES.map(({ name }) => name)).size).toBe(FAMILIES.length);
});

test("every metric of the documented list appears in some situation", async () => {
  const everything = await collected(["systemd", "own-network", "zram-and-disk", "zfs"], {
    later: ["systemd-10s-later"],
    config: settled({
      services: [
        {
          name: "ollama",
          runtime: "systemd",
          ollama: "http://127.0.0.1:11434",
          health: { http: "http://127.0.0.1:11434/" },
          vramThreshold: 90,
          ...ENGINES["llamacpp"],
        },
      ],
    }),
    tools: {
      gpu: { read: () => Promise.resolve(GPU_READING) },
      http: {
        status: () => Promise.resolve(200),
        get: (url) => {
          const model = {
            name: "llama3:8b",
            size: 6000,
            size_vram: 5000,
            context_length: 4096,
            expires_at: "2025-12-08T10:34:00Z",
          };
          // Twice, which a scrape must not choke on.
          const models = JSON.stringify({ models: [model, model] });
          return Promise.resolve({
            status: 200,
            body: url.endsWith("/api/ps") ? models : (ANSWERS[url] ?? ""),
          });
        },
      },
    },
  });
  const host = hosts.at(-1);
  host?.write("manager/last-verify.json", '{"time": 1765189000, "exitCode": 0, "findings": 0}');
  const shown = new Set([...everything.prometheus.matchAll(/^# TYPE airm_(\S+)/gm)].map(([, name]) => name));
  const missing = FAMILIES.map(({ name }) => name).filter((name) => !shown.has(name));
  // engines.test.ts has the rates, delivery.test.ts those of the sinks, and monitor.test.ts those of the manager.
  expect(missing).toEqual([
    "service_prompt_tokens_per_second",
    "service_predicted_tokens_per_second",
    "alert_notifications_total",
    "alert_notifications_waiting",
    "alert_notifications_dropped_total",
    "manager_verify_success",
    "manager_verify_findings",
    "manager_verify_timestamp_seconds",
    "deployment_watched",
    "limit_enforced",
  ]);
  expect(everything.prometheus).toContain(
    'airm_service_model_vram_bytes{service="ollama",model="llama3:8b"} 5000',
  );
  expect(everything.prometheus).toContain('airm_service_probe_success{service="ollama"} 1');
});
