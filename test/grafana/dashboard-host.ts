import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PageHost } from "../monitor/page-host";
import { SERVICES } from "../monitor/fixture-host";

const PROXY = "cgroup/ai.slice/ai-proxy.slice/local-llm-proxy.service";
const MODEL = {
  name: "llama3:8b",
  size: 6_591_830_464,
  size_vram: 5_333_539_264,
  context_length: 4096,
  expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  details: { parameter_size: "8.0B", quantization_level: "Q4_K_M" },
};
const PROPS = {
  default_generation_settings: { n_ctx: 8192 },
  total_slots: 4,
  model_alias: "qwen",
  model_path: "/srv/models/qwen.gguf",
  model_ftype: "Q4_K - Medium",
  endpoint_slots: true,
  endpoint_metrics: true,
  is_sleeping: false,
};
const SLOTS = [0, 1, 2, 3].map((id) => ({ id, is_processing: id < 2 }));

/**
 * A host with all that a dashboard shows, and the bundled monitor at work on it: swap on a disk and in zram, a GPU, Ollama and a
 * llama-server that answer, a network of a service's own, somebody who is told, drift, a limit that is not enforced, a deployment.
 */
export class DashboardHost {
  readonly page: PageHost;
  private readonly others: Server;
  private readonly ticker: NodeJS.Timeout;
  private seconds = 0;

  constructor(bundle: string) {
    this.page = new PageHost(bundle);
    for (const situation of ["zram-and-disk", "own-network"]) this.page.host.overlay(situation);
    this.page.models = [MODEL];
    // What the kernel has for each slice, so that all kills are known.
    for (const slice of ["ai-llamacpp", "ai-proxy"])
      this.page.put(
        `cgroup/ai.slice/${slice}.slice/memory.events`,
        "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
      );
    this.writeManager();
    this.others = createServer((request, response) => {
      request.resume();
      const answer = this.answers(request.url ?? "");
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    this.ticker = setInterval(() => {
      this.seconds += 0.25;
      this.tick();
    }, 250);
  }

  /** HOST:PORT, as Prometheus scrapes it. */
  get address(): string {
    return new URL(this.page.url).host;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.others.listen(0, "127.0.0.1", resolve));
    const others = `http://127.0.0.1:${(this.others.address() as AddressInfo).port}`;
    this.page.host.write("webhook.url", `${others}/webhook\n`);
    const ollama = await this.page.ollama();
    await this.page.start({
      services: (SERVICES ?? []).map((service) => {
        if (service.name === "ollama")
          return { ...service, ollama, health: { http: ollama }, vramThreshold: 90 };
        if (service.name !== "llamacpp") return service;
        return { ...service, llamaCpp: { url: others, sleeps: false } };
      }),
      sinks: { webhook: { urlFile: join(this.page.host.folder, "webhook.url") } },
    });
  }

  /** Nearly all of its memory is taken. */
  fillMemory(): void {
    this.page.put(
      "proc/meminfo",
      "MemTotal: 20971520 kB\nMemFree: 104857 kB\nMemAvailable: 524288 kB\nCached: 204800 kB\nSwapTotal: 25165824 kB\nSwapFree: 15099494 kB\n",
    );
  }

  async dispose(): Promise<void> {
    clearInterval(this.ticker);
    await this.page.dispose();
    this.others.close();
    this.others.closeAllConnections();
  }

  private answers(url: string): string | undefined {
    const at = (begin: number, perSecond: number) => begin + this.seconds * perSecond;
    if (url === "/props") return JSON.stringify(PROPS);
    if (url === "/slots") return JSON.stringify(SLOTS);
    if (url === "/webhook") return "";
    if (url !== "/metrics") return undefined;
    return `llamacpp:prompt_tokens_total ${at(1200, 200)}
llamacpp:prompt_tokens_cached_total ${at(300, 50)}
llamacpp:prompt_seconds_total ${at(2.5, 0.5)}
llamacpp:tokens_predicted_total ${at(1500, 20)}
llamacpp:tokens_predicted_seconds_total ${at(30, 0.8)}
llamacpp:requests_processing 2
llamacpp:requests_deferred 3
llamacpp:kv_cache_usage_ratio 0.4
`;
  }

  /** Its drift is an alert at once. */
  private writeManager(): void {
    this.page.writeManager();
    const time = Math.floor(Date.now() / 1000) - 3600;
    this.page.put("manager/last-verify.json", JSON.stringify({ time, exitCode: 3, findings: 2 }));
  }

  /** A service that its quota holds back. */
  private tick(): void {
    const at = (begin: number, perSecond: number) => Math.floor(begin + this.seconds * perSecond);
    this.page.put(
      `${PROXY}/cpu.stat`,
      `usage_usec ${at(1e6, 5e5)}\nuser_usec ${at(75e4, 4e5)}\nsystem_usec ${at(25e4, 1e5)}\nnr_periods ${at(500, 10)}\nnr_throttled ${at(20, 4)}\nthrottled_usec ${at(75e4, 2e5)}\n`,
    );
  }
}
