import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { LlamaCppCollector } from "../../monitor/collectors/llama-cpp";
import type { MonitorConfig } from "../../monitor/config/schema";
import { HttpClient, type HttpAnswer } from "../../monitor/host/http";
import { parseMetrics, parseProps, parseRouterModels, parseSlots } from "../../monitor/parse/llama-cpp";
import { parseLoadedModels } from "../../monitor/parse/ollama";
import type { RunningService, Snapshot } from "../../monitor/report/snapshot";
import { deriveUsage } from "../../monitor/report/usage";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

const METRICS = `# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 1200
llamacpp:prompt_tokens_cached_total 300
llamacpp:prompt_seconds_total 2.5
llamacpp:tokens_predicted_total 1.5e+03
llamacpp:tokens_predicted_seconds_total 30
llamacpp:n_decode_total 1510
llamacpp:prompt_tokens_seconds 480
llamacpp:requests_processing 2
llamacpp:requests_deferred 3
`;
const PROPS = {
  default_generation_settings: { params: {}, n_ctx: 8192 },
  total_slots: 4,
  model_alias: "qwen",
  model_path: "/srv/models/qwen.gguf",
  model_ftype: "Q4_K - Medium",
  endpoint_slots: true,
  endpoint_metrics: true,
  chat_template: "{{ messages }}",
  is_sleeping: false,
};
const SLOTS = [
  { id: 0, is_processing: true, prompt: "a secret" },
  { id: 1, is_processing: false },
];

describe("Ollama's /api/ps", () => {
  const model = {
    name: "gemma3:4b",
    model: "gemma3:4b",
    size: 6591830464,
    digest: "a2af6cc3eb7f",
    details: { format: "gguf", family: "gemma3", parameter_size: "4.3B", quantization_level: "Q4_K_M" },
    expires_at: "2025-10-17T16:47:07.933550001-07:00",
    size_vram: 5333539264,
    context_length: 4096,
  };
  const parse = (more: object) => parseLoadedModels(JSON.stringify({ models: [{ ...model, ...more }] }))[0];

  test("tells size, context, quantization and end of each model", () => {
    expect(parse({})).toEqual({
      name: "gemma3:4b",
      memoryBytes: 6591830464,
      vramBytes: 5333539264,
      contextTokens: 4096,
      quantization: "Q4_K_M",
      parameters: "4.3B",
      expiresAtSeconds: Date.UTC(2025, 9, 17, 23, 47, 7) / 1000,
    });
  });

  test.each([
    [{ expires_at: "2318-01-25T10:00:00+01:00" }, "expiresAtSeconds"],
    [{ expires_at: "0001-01-01T00:00:00Z" }, "expiresAtSeconds"],
    [{ expires_at: 12 }, "expiresAtSeconds"],
    [{ context_length: -1 }, "contextTokens"],
    [{ context_length: "4096" }, "contextTokens"],
    [{ details: null }, "quantization"],
    [{ details: { quantization_level: "x".repeat(300) } }, "quantization"],
  ] as const)("%j: what is not said, or cannot be, is not known", (more, key) => {
    expect(parse(more)?.[key]).toBeUndefined();
    expect(parse(more)?.memoryBytes).toBe(6591830464);
  });

  test.each([
    ['{"models":[{"name":"a","size":1e999}]}', "without name or size"],
    ['{"models":[{"name":"","size":1}]}', "without name or size"],
    [JSON.stringify({ models: Array.from({ length: 65 }, () => model) }), "65 models, of at most 64"],
  ])("refuses %.40s", (text, said) => {
    expect(() => parseLoadedModels(text)).toThrow(said);
  });
});

describe("llama-server's answers", () => {
  test("/props", () => {
    expect(parseProps(JSON.stringify(PROPS))).toEqual({
      role: "server",
      sleeping: false,
      slots: 4,
      hasMetrics: true,
      hasSlots: true,
      model: {
        name: "qwen",
        memoryBytes: undefined,
        vramBytes: undefined,
        contextTokens: 8192,
        quantization: "Q4_K - Medium",
        parameters: undefined,
        expiresAtSeconds: undefined,
      },
    });
    // An old one; and one whose types are wrong.
    expect(parseProps('{"model_path":"/m/a.gguf","total_slots":1}')).toMatchObject({
      sleeping: undefined,
      slots: 1,
      hasMetrics: undefined,
      model: { name: "a.gguf", contextTokens: undefined },
    });
    expect(parseProps('{"is_sleeping":"no","total_slots":"4","model_alias":7,"role":1}')).toEqual({
      role: "server",
      sleeping: undefined,
      slots: undefined,
      model: undefined,
      hasMetrics: undefined,
      hasSlots: undefined,
    });
    expect(() => parseProps("<html>")).toThrow("/props is no JSON");
  });

  test("/slots are counted, ten thousand too", () => {
    expect(parseSlots(JSON.stringify(SLOTS))).toEqual({ total: 2, busy: 1 });
    const many = Array.from({ length: 10_000 }, (_, id) => ({ id, is_processing: id < 7 }));
    expect(parseSlots(JSON.stringify(many))).toEqual({ total: 10_000, busy: 7 });
    expect(() => parseSlots("{}")).toThrow("/slots is no list");
    expect(() => parseSlots('[{"id":0}]')).toThrow("does not say whether it is processing");
    expect(() => parseSlots("[")).toThrow("/slots is no JSON");
  });

  test("/metrics, as far as they can be", () => {
    expect(parseMetrics(METRICS)).toEqual({
      promptTokens: 1200,
      cachedPromptTokens: 300,
      promptSeconds: 2.5,
      predictedTokens: 1500,
      predictedSeconds: 30,
      requestsProcessing: 2,
      requestsDeferred: 3,
      kvCacheRatio: undefined,
    });
    expect(
      parseMetrics(
        "llamacpp:prompt_tokens_total nan\nllamacpp:requests_deferred -1\nllamacpp:kv_cache_usage_ratio 7\n",
      ),
    ).toMatchObject({ promptTokens: undefined, requestsDeferred: undefined, kvCacheRatio: undefined });
    expect(parseMetrics("llamacpp:kv_cache_usage_ratio 0.25\n").kvCacheRatio).toBe(0.25);
    expect(() => parseMetrics("vllm:prompt_tokens_total 1\n")).toThrow("none of its metrics");
  });

  test("a router's /models: those that are loaded", () => {
    const models = (list: unknown) => parseRouterModels(JSON.stringify({ data: list }));
    expect(
      models([
        { id: "a", status: { value: "loaded", args: [] }, meta: { n_ctx: 4096, ftype: "Q8_0" } },
        { id: "b", status: { value: "unloaded" } },
        { id: "c", status: { value: "sleeping" } },
      ]),
    ).toMatchObject([{ name: "a", contextTokens: 4096, quantization: "Q8_0" }]);
    expect(() => models({})).toThrow("no list of models");
    expect(() => models([{ status: { value: "loaded" } }])).toThrow("without id");
    const many = Array.from({ length: 65 }, (_, id) => ({ id: String(id), status: { value: "loaded" } }));
    expect(() => models(many)).toThrow("65 loaded, of at most 64");
  });
});

/** A llama-server that notes what it is asked. */
class FakeServer {
  asked: string[] = [];
  keys: (string | undefined)[] = [];
  answers: Record<string, HttpAnswer | Error> = {
    "/props": ok(PROPS),
    "/slots": ok(SLOTS),
    "/metrics": { status: 200, body: METRICS },
  };

  readonly get = (url: string, _timeout: number, headers?: Readonly<Record<string, string>>) => {
    const path = url.replace("http://127.0.0.1:8080", "");
    this.asked.push(path);
    this.keys.push(headers?.["authorization"]);
    const answer = this.answers[path] ?? { status: 404, body: "" };
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
}

const ok = (value: unknown): HttpAnswer => ({ status: 200, body: JSON.stringify(value) });

class Bench {
  readonly server = new FakeServer();
  readonly clock = new FakeClock();
  readonly collector = new LlamaCppCollector(this.server, this.clock);
  settings: NonNullable<NonNullable<MonitorConfig["services"]>[number]["llamaCpp"]> = {
    url: "http://127.0.0.1:8080",
    sleeps: false,
  };
  usageSeconds = 0;
  cgroup = "a.service";
  up: boolean | undefined = true;

  /** A collection ten seconds after the last, in which the service used so much of a core. */
  async collect(cores = 0) {
    this.clock.pass(10);
    this.usageSeconds += cores * 10;
    this.server.asked = [];
    const running = {
      cgroup: this.cgroup,
      startTimeSeconds: 1,
      readAtSeconds: this.clock.monotonic(),
      cpu: { usageSeconds: this.usageSeconds },
    } as unknown as RunningService;
    const { services } = settled({
      services: [{ name: "a", runtime: "systemd", llamaCpp: this.settings }],
    });
    const found = await this.collector.collect(services, [
      { name: "a", up: this.up, running: this.up === true ? running : undefined, restarts: 0 },
    ]);
    return { errors: found?.errors, asked: this.server.asked, ...found?.answers.get("a") };
  }
}

const IDLE = METRICS.replace("processing 2", "processing 0").replace("deferred 3", "deferred 0");
const idleSlots = ok([{ id: 0, is_processing: false }]);

describe("a llama-server", () => {
  test("is asked three times at most, and tells what it does", async () => {
    const bench = new Bench();
    const { sample, models, asked, errors } = await bench.collect();
    expect(asked).toEqual(["/props", "/metrics", "/slots"]);
    expect(errors).toEqual([]);
    expect(models).toMatchObject([{ name: "qwen" }]);
    expect(sample).toEqual({
      role: "server",
      sleeping: false,
      slots: 2,
      busySlots: 1,
      metrics: parseMetrics(METRICS),
      metricsAtSeconds: 10_010,
      problems: [],
    });
  });

  test("whose model sleeps is asked for /props alone, and has nothing loaded", async () => {
    for (const sleeps of [true, false]) {
      const bench = new Bench();
      bench.settings = { ...bench.settings, sleeps };
      await bench.collect();
      bench.server.answers["/props"] = ok({ ...PROPS, is_sleeping: true });
      const { sample, models, asked } = await bench.collect(2);
      expect(asked).toEqual(["/props"]);
      expect(models).toEqual([]);
      expect(sample).toMatchObject({ sleeping: true, problems: [], busySlots: undefined });
    }
  });

  test("that may sleep is asked for more only while it is at work, and once after", async () => {
    const bench = new Bench();
    bench.settings = { url: bench.settings.url };
    // Nobody knows yet whether it is at work.
    const first = await bench.collect();
    expect(first.asked).toEqual(["/props"]);
    expect(first.sample?.problems).toEqual([
      "/metrics and /slots are not asked while it is idle: that would keep it from sleeping",
    ]);
    expect((await bench.collect(0.01)).asked).toEqual(["/props"]);
    expect((await bench.collect(0.9)).asked).toEqual(["/props", "/metrics", "/slots"]);
    // It said that it is busy, however little CPU that takes; then that it is no more.
    bench.server.answers["/metrics"] = { status: 200, body: IDLE };
    bench.server.answers["/slots"] = idleSlots;
    expect((await bench.collect()).asked).toEqual(["/props", "/metrics", "/slots"]);
    const idle = await bench.collect();
    expect(idle.asked).toEqual(["/props"]);
    // What it counted stays told; what it does now is not known.
    expect(idle.sample?.metrics).toMatchObject({ predictedTokens: 1500, requestsProcessing: undefined });
    expect(idle.sample?.metricsAtSeconds).toBe(10_040);
    // A build that knows no sleep is always asked.
    bench.server.answers["/props"] = ok({ ...PROPS, is_sleeping: undefined });
    expect((await bench.collect()).asked).toEqual(["/props", "/metrics", "/slots"]);
  });

  test("of another run has counted nothing yet", async () => {
    const bench = new Bench();
    await bench.collect();
    bench.cgroup = "b.scope";
    bench.server.answers["/metrics"] = new Error("no answer within 2 s");
    const { sample } = await bench.collect();
    expect(sample).toMatchObject({ metrics: undefined, metricsAtSeconds: undefined });
  });

  test.each<[what: string, answers: Record<string, HttpAnswer | Error>, asked: string[], problems: string[]]>(
    [
      [
        "metrics off, by its own word",
        { "/props": ok({ ...PROPS, endpoint_metrics: false, endpoint_slots: false }) },
        ["/props"],
        ["/metrics: it is off (llama-server --metrics)", "/slots: it is off (llama-server --slots)"],
      ],
      [
        "metrics off, by its answer",
        { "/metrics": { status: 501, body: "" }, "/slots": { status: 404, body: "" } },
        ["/props", "/metrics", "/slots"],
        ["/metrics: status 501, it is off", "/slots: status 404, it has none"],
      ],
      [
        "an API key",
        { "/props": { status: 401, body: "" } },
        ["/props"],
        ["/props: status 401, it wants the API key that apiKeyFile is for"],
      ],
      [
        "loading",
        { "/props": { status: 503, body: "" } },
        ["/props"],
        ["/props: status 503, it loads its model"],
      ],
      [
        "between two long batches",
        { "/metrics": new Error("no answer within 2 s"), "/slots": ok({}) },
        ["/props", "/metrics", "/slots"],
        ["/metrics: no answer within 2 s", "llama-server's /slots is no list"],
      ],
      [
        "a router, which would load what it is asked for",
        {
          "/props": ok({ role: "router", model_alias: "llama-server", models_autoload: true }),
          "/models": ok({ data: [{ id: "m", status: { value: "loaded" } }] }),
        },
        ["/props", "/models"],
        ["a router: its models' servers are not asked, as that would load or wake them"],
      ],
    ],
  )("%s: what it does not tell is no failure", async (_, answers, asked, problems) => {
    const bench = new Bench();
    Object.assign(bench.server.answers, answers);
    const told = await bench.collect();
    expect(told.errors).toEqual([]);
    expect(told.asked).toEqual(asked);
    expect(told.sample?.problems).toEqual(problems);
  });

  test("without an answer, or with one that is none, is a failure of its own", async () => {
    const bench = new Bench();
    bench.server.answers["/props"] = new Error("connect ECONNREFUSED 127.0.0.1:8080");
    expect((await bench.collect()).errors).toEqual(["a: connect ECONNREFUSED 127.0.0.1:8080"]);
    bench.server.answers["/props"] = { status: 500, body: "" };
    expect((await bench.collect()).errors).toEqual(["a: /props: status 500"]);
    bench.server.answers["/props"] = { status: 200, body: "<html>" };
    expect((await bench.collect()).errors).toEqual(["a: llama-server's /props is no JSON"]);
    bench.up = false;
    expect((await bench.collect()).errors).toBeUndefined();
    expect(bench.server.asked).toEqual([]);
  });

  test("is asked with the key in a file, which no message has", async () => {
    const host = new FixtureHost();
    hosts.push(host);
    const bench = new Bench();
    bench.settings = { ...bench.settings, apiKeyFile: `${host.folder}/a.key` };
    expect((await bench.collect()).errors).toEqual([`a: ${host.folder}/a.key is not there`]);
    expect(bench.server.asked).toEqual([]);
    host.write("a.key", "hunter2\n");
    const told = await bench.collect();
    expect(bench.server.keys).toEqual(Array.from({ length: 3 }, () => "Bearer hunter2"));
    host.write("a.key", "hunter2\nX-Other: 1\n");
    const client = new LlamaCppCollector(new HttpClient(), bench.clock);
    const { services } = settled({ services: [{ name: "a", runtime: "systemd", llamaCpp: bench.settings }] });
    const broken = await client.collect(services, undefined);
    expect(broken?.errors).toHaveLength(1);
    expect(JSON.stringify([told, broken])).not.toContain("hunter2");
  });

  test("with an answer larger than the heap has room for costs that answer", async () => {
    const big = `[${"x".repeat(200 * 1024)}]`;
    const real = await listening({ "/props": JSON.stringify(PROPS), "/slots": big, "/metrics": METRICS });
    const collector = new LlamaCppCollector(new HttpClient(), new FakeClock());
    const { services } = settled({
      services: [{ name: "a", runtime: "systemd", llamaCpp: { url: real, sleeps: false } }],
    });
    const found = await collector.collect(services, undefined);
    expect(found?.errors).toEqual([]);
    expect(found?.answers.get("a")?.sample).toMatchObject({
      slots: 4,
      busySlots: undefined,
      metrics: { predictedTokens: 1500 },
      problems: ["/slots: the answer is larger than 128 KiB"],
    });
  });
});

test("tokens per second are of the time between two answers; a count that began anew is none", async () => {
  const host = new FixtureHost("systemd");
  hosts.push(host);
  const clock = new FakeClock();
  const server = new FakeServer();
  const config = settled({
    services: [
      {
        name: "llamacpp",
        runtime: "systemd",
        vramMaxBytes: 100,
        llamaCpp: { url: "http://127.0.0.1:8080", sleeps: false },
      },
    ],
  });
  const collector = collectorOf(host, config, {
    clock,
    http: { get: server.get, status: () => Promise.reject(new Error("no probe")) },
  });
  const tokens = (now: Snapshot, before?: Snapshot) => deriveUsage(now, before, config).services?.[0]?.tokens;
  const first = await collector.collect();
  expect(first.collectors.find(({ name }) => name === "llamacpp")?.state).toBe("ok");
  expect(tokens(first)).toBeUndefined();
  // The nominal interval is ten seconds.
  clock.pass(40);
  server.answers["/metrics"] = { status: 200, body: METRICS.replace("1.5e+03", "3500") };
  const second = await collector.collect();
  expect(tokens(second, first)).toEqual({ promptPerSecond: 0, predictedPerSecond: 50 });
  clock.pass(10);
  server.answers["/metrics"] = { status: 200, body: METRICS.replace("1.5e+03", "5") };
  const reset = await collector.collect();
  expect(tokens(reset, second)).toEqual({ promptPerSecond: 0, predictedPerSecond: 0 });
  clock.pass(10);
  server.answers["/metrics"] = new Error("no answer within 2 s");
  expect(tokens(await collector.collect(), reset)).toBeUndefined();
});

const hosts: FixtureHost[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
  for (const server of servers.splice(0)) server.close();
});

async function listening(bodies: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    response.end(bodies[request.url ?? ""]);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
