import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  derivedVariables,
  describeDerived,
  workloadEnvironment,
} from "../../components/cgroup-service/environment";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";
import { checkSettings } from "../../components/settings/issues";

type Settings = Partial<z.input<typeof WorkloadSettings>>;

function settled(settings: Settings, name = "chat") {
  const checked = checkSettings(WorkloadSettings, { memory: { max: "8GiB" }, ...settings });
  if ("issues" in checked) throw new Error(JSON.stringify(checked.issues));
  return settleWorkload(name, checked.value);
}

/** The values of what is derived. */
const values = (settings: Settings, secrets: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    Object.entries(derivedVariables(settled(settings), secrets)).map(([name, { value }]) => [name, value]),
  );

const ollama = (max: `${number}${"M" | "G"}iB`, more: Settings = {}) =>
  values({ engine: "ollama", memory: { max }, ...more });

describe("a workload's engine", () => {
  it.each<[string, Settings, string]>([
    ["ollama", {}, "ollama"],
    ["llamacpp", {}, "llama.cpp"],
    ["llama-cpp", {}, "llama.cpp"],
    ["chat", {}, "none"],
    ["ollama-proxy", {}, "none"],
    ["chat", { unit: "ollama.service" }, "ollama"],
    ["chat", { unit: "llama-server@large.service" }, "llama.cpp"],
    ["chat", { exec: "/opt/llama/bin/llama-server -m /srv/models/a.gguf" }, "llama.cpp"],
    ["chat", { exec: "/usr/bin/env A=1 ollama serve" }, "ollama"],
    ["ollama", { exec: "/usr/local/bin/llama-server" }, "llama.cpp"],
    ["ollama", { exec: "/opt/start.sh" }, "ollama"],
    ["chat", { runtime: "container", image: "ollama/ollama:0.6.5" }, "ollama"],
    ["chat", { runtime: "container", image: "ghcr.io/ggml-org/llama.cpp:server-b4719" }, "llama.cpp"],
    ["chat", { runtime: "container", image: `127.0.0.1:5000/ollama@sha256:${"a".repeat(64)}` }, "ollama"],
    ["chat", { runtime: "container", image: "example/a:1", entrypoint: ["/app/llama-server"] }, "llama.cpp"],
    ["ollama", { engine: "none" }, "none"],
    ["chat", { engine: "ollama" }, "ollama"],
  ])("of %s with %j is %s", (name, settings, engine) => {
    expect(settled(settings, name).engine).toBe(engine);
  });

  it("is one of three", () => {
    expect(checkSettings(WorkloadSettings, { memory: { max: "1GiB" }, engine: "vllm" })).toHaveProperty(
      "issues",
    );
  });
});

const METRICS = { LLAMA_ARG_ENDPOINT_METRICS: "1" };

describe("llama-server's metrics", () => {
  it("are on for the monitor, unless nobody asks for them or it is said", () => {
    const engine = "llama.cpp";
    expect(values({ engine })).toMatchObject(METRICS);
    const environment = { LLAMA_ARG_ENDPOINT_METRICS: 0 };
    for (const settings of [{ api: "none" }, { environment }, { exec: "/bin/llama-server --metrics" }])
      expect(values({ engine, ...settings })).not.toHaveProperty("LLAMA_ARG_ENDPOINT_METRICS");
  });
});

describe("llama-server's prompt cache", () => {
  it.each([
    ["512MiB", "64"],
    ["1GiB", "128"],
    ["6GiB", "768"],
    ["64GiB", "8192"],
    ["256GiB", "8192"],
  ])("is an eighth of memory.max %s: %s MiB", (max, mebibytes) => {
    expect(values({ engine: "llama.cpp", memory: { max } })).toEqual({
      LLAMA_ARG_CACHE_RAM: mebibytes,
      ...METRICS,
    });
  });

  it("is left to the command line that sets it", () => {
    expect(values({ exec: "/bin/llama-server --cache-ram 100" })).toEqual(METRICS);
    const container = { runtime: "container", image: "a/llama.cpp:1" } as const;
    expect(values({ ...container, command: ["-cram", "0"] })).toEqual(METRICS);
    expect(values({ ...container, command: ["--model", "/models/cache-ram"] })).toEqual({
      LLAMA_ARG_CACHE_RAM: "1024",
      ...METRICS,
    });
  });
});

describe("Ollama", () => {
  it.each([
    ["512MiB", "64", "2048", "1"],
    ["1GiB", "128", "2048", "1"],
    ["4095MiB", "511", "2048", "1"],
    ["4GiB", "512", "4096", "1"],
    ["6GiB", "768", "4096", "1"],
    ["15GiB", "1920", "4096", "1"],
    ["16GiB", "1024", "4096", "2"],
    ["64GiB", "2730", "4096", "3"],
    ["1TiB", "8192", "4096", "3"],
  ])(
    "inside memory.max %s has caches of %s MiB, a context of %s tokens, %s models",
    (max, cache, context, models) => {
      expect(values({ engine: "ollama", memory: { max } })).toEqual({
        LLAMA_ARG_CACHE_RAM: cache,
        OLLAMA_CONTEXT_LENGTH: context,
        OLLAMA_MAX_LOADED_MODELS: models,
      });
    },
  );

  it("divides the context's memory by the requests that it serves at once", () => {
    const context = (parallel: string | number) =>
      ollama("8GiB", { environment: { OLLAMA_NUM_PARALLEL: parallel } })["OLLAMA_CONTEXT_LENGTH"];
    expect([1, 2, 4, 0, "", "many"].map(context)).toEqual(["4096", "4096", "2048", "4096", "4096", "4096"]);
  });

  it("divides the cache's memory by the models that its owner lets it load, or by its own three", () => {
    const cache = (models: string | number) =>
      ollama("8GiB", { environment: { OLLAMA_MAX_LOADED_MODELS: models } })["LLAMA_ARG_CACHE_RAM"];
    expect([1, 2, 4, 0, "", "many"].map(cache)).toEqual(["1024", "512", "256", "341", "341", "341"]);
  });

  it("on a GPU derives models and context from its memory by itself", () => {
    expect(ollama("24GiB", { gpu: { devices: ["GPU-1", "GPU-2"] } })).toEqual({
      CUDA_VISIBLE_DEVICES: "GPU-1,GPU-2",
      LLAMA_ARG_CACHE_RAM: "512",
    });
    const hardenings: Settings["hardening"][] = ["none", "gpu", { except: ["PrivateDevices"] }];
    for (const hardening of hardenings)
      expect(ollama("24GiB", { hardening })).toEqual({ LLAMA_ARG_CACHE_RAM: "1024" });
    const image = { runtime: "container", image: "ollama/ollama:0.6.5" } as const;
    expect(Object.keys(ollama("8GiB", image))).toHaveLength(3);
    expect(ollama("8GiB", { ...image, gpu: { devices: [0] } })).toEqual({ LLAMA_ARG_CACHE_RAM: "341" });
  });
});

describe("what is derived", () => {
  it("needs memory.max, without which there is no workload", () => {
    const checked = checkSettings(WorkloadSettings, { engine: "ollama", memory: {} });
    expect("issues" in checked ? checked.issues.map(({ path }) => path) : []).toEqual([["memory", "max"]]);
  });

  it("gives way to its owner's variables, whatever they hold, and to secret ones", () => {
    for (const value of ["", 0, "0", "-1", 20000]) {
      const environment = { LLAMA_ARG_CACHE_RAM: value, OLLAMA_CONTEXT_LENGTH: value, GOMAXPROCS: value };
      const workload = settled({ engine: "ollama", cpu: { quota: "200%" }, environment });
      expect(Object.keys(derivedVariables(workload))).toEqual([
        "LLAMA_ARG_THREADS",
        "OMP_NUM_THREADS",
        "OLLAMA_MAX_LOADED_MODELS",
      ]);
      expect(workloadEnvironment(workload)).toMatchObject({
        GOMAXPROCS: String(value),
        LLAMA_ARG_CACHE_RAM: String(value),
        OLLAMA_CONTEXT_LENGTH: String(value),
        OLLAMA_MAX_LOADED_MODELS: "1",
      });
    }
    expect(values({ engine: "llama.cpp" }, ["LLAMA_ARG_CACHE_RAM"])).toEqual(METRICS);
  });

  it("is told with its rule, each rule once", () => {
    const text = (settings: Settings) => describeDerived(derivedVariables(settled(settings)));
    expect(text({ engine: "ollama", memory: { max: "24GiB" }, cpu: { quota: "200%", cores: "0-3" } })).toBe(
      `derived from its settings; environment overrides each:
  GOMAXPROCS=2 LLAMA_ARG_THREADS=2 OMP_NUM_THREADS=2: whole cores of cpu.quota and cpu.cores, at least 1
  LLAMA_ARG_CACHE_RAM=1024: MiB of the prompt cache of each of 3 models: together an eighth of memory.max (24GiB), each at most its default of 8192
  OLLAMA_CONTEXT_LENGTH=4096: tokens: its default of 4096, half of that below 4GiB of memory.max (24GiB)
  OLLAMA_MAX_LOADED_MODELS=3: one for each whole 8GiB of memory.max (24GiB), at least 1, at most its default of 3`,
    );
    expect(text({ engine: "ollama", environment: { OLLAMA_NUM_PARALLEL: 2 } })).toContain(
      "half of that below 4GiB of memory.max (8GiB) for each of 2 parallel requests",
    );
    expect(text({ engine: "none" })).toBeUndefined();
  });
});
