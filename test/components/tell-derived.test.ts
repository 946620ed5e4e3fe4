import { afterEach, describe, expect, it, vi } from "vitest";
import { mockEngine, settle } from "./mock-engine";

const HOST = {
  name: "goblin",
  address: "203.0.113.10",
  hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`,
};
const WORKLOAD = {
  host: HOST,
  memory: { max: "6GiB" },
  credentials: { GOMAXPROCS: "1" },
  cpu: { quota: "150%" },
} as const;

/** What a run of a program with a service, a container and a workload without an engine or a CPU limit says of them. */
async function said(isPreview: boolean): Promise<string[]> {
  vi.resetModules();
  await mockEngine({}, "test", [], isPreview);
  // Without an engine that takes them, Pulumi prints messages.
  const print = vi.spyOn(console, "log").mockReturnValue();
  const { CgroupService, dockerProvider, LimitedContainer } = await import("../../components");
  const provider = dockerProvider("docker", HOST, {});
  new CgroupService("service", { ...WORKLOAD, workload: "llamacpp" });
  new LimitedContainer("container", {
    ...WORKLOAD,
    provider,
    workload: "chat",
    image: "ollama/ollama:0.6.5",
  });
  new CgroupService("proxy", { host: HOST, workload: "proxy", memory: { max: "1GiB" } });
  await settle();
  return print.mock.calls.map(([text]) => String(text)).filter((text) => text.includes("derived"));
}

describe("what is derived", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("is said in a preview, with its rules and without what its owner sets", async () => {
    const threads = "LLAMA_ARG_THREADS=1 OMP_NUM_THREADS=1: whole cores of cpu.quota, at least 1";
    const cache =
      "LLAMA_ARG_CACHE_RAM=768: MiB of its prompt cache: an eighth of memory.max (6GiB), at most its default of 8192";
    const head = "info: [runtime] derived from its settings; environment overrides each:";
    expect(await said(true)).toEqual([
      `${head}\n  ${cache}\n  LLAMA_ARG_ENDPOINT_METRICS=1: lets the monitor count tokens and requests\n  ${threads}`,
      [
        head,
        cache,
        threads,
        "OLLAMA_CONTEXT_LENGTH=4096: tokens: its default of 4096, half of that below 4GiB of memory.max (6GiB)",
        "OLLAMA_MAX_LOADED_MODELS=1: one for each whole 8GiB of memory.max (6GiB), at least 1, at most its default of 3",
      ].join("\n  "),
    ]);
  });

  it("is not said again by the update that follows", async () => {
    expect(await said(false)).toEqual([]);
  });
});
