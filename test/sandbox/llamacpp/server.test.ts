import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstFreePort } from "../process";
import { installEngine, SERVER } from "./engine";
import { KV_BYTES_PER_TOKEN, writeRandomModel } from "./random-model";

// llama.cpp itself, on this machine: the engine's libraries are for Linux on x86-64.
describe.runIf(process.platform === "linux" && process.arch === "x64")("the real engine", () => {
  let folder: string;
  let model: string;
  const running: Server[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "goblin-host-llamacpp-"));
    await installEngine(folder);
    model = join(folder, "random.gguf");
    writeRandomModel(model, { sizeMiB: 8, seed: 1 });
  }, 600_000);

  afterAll(async () => {
    for (const server of running) await server.end();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(args: readonly string[], environment: Record<string, string> = {}): Promise<Server> {
    const server = new Server(folder, await firstFreePort([]), args, environment);
    running.push(server);
    return server;
  }

  it("loads the model and answers a completion, the same one for the same question", async () => {
    const server = await start(["-m", model, "-c", "512", "-t", "1"]);
    await server.statesUntilReady();
    const question = { prompt: "Hello, world", max_tokens: 12, temperature: 0 };
    const first = await server.complete(question);
    expect(first).toMatchObject({
      object: "text_completion",
      model: "random.gguf",
      choices: [{ index: 0, finish_reason: "length" }],
      // The beginning, the space that SentencePiece puts before a text, and a token for each character.
      usage: { prompt_tokens: 14, completion_tokens: 12, total_tokens: 26 },
    });
    // A character for each token: printable, as the model's output layer has no others.
    expect(first.choices?.[0]?.text).toMatch(/^[ -~]{12}$/);
    expect((await server.complete(question)).choices).toEqual(first.choices);
    expect((await server.complete({ ...question, prompt: "Something else" })).choices).not.toEqual(
      first.choices,
    );
  });

  it("answers several at once one after the other, and goes on to say that it is well", async () => {
    const server = await start(["-m", model, "-c", "512", "-t", "1"]);
    await server.statesUntilReady();
    const seeds = [1, 2, 1];
    const answers = Promise.all(
      seeds.map((seed) => server.complete({ prompt: "a", max_tokens: 40, temperature: 5, seed })),
    );
    expect((await server.get("/health")).status).toBe(200);
    const [one, two, again] = (await answers).map(({ choices }) => choices?.[0]?.text);
    expect(again).toBe(one);
    expect(two).not.toBe(one);
  });

  it("takes a prompt of more than a batch, up to the context's end, and no longer one", async () => {
    const server = await start(["-m", model, "-c", "512"], { LLAMA_ARG_THREADS: "1" });
    await server.statesUntilReady();
    expect(server.said).toContain(`context 512, threads 1, CPU : `);
    // 1 + 1 + 505 of 512.
    const full = await server.complete({ prompt: "x".repeat(505), max_tokens: 100, temperature: 0 });
    expect(full.usage).toEqual({ prompt_tokens: 507, completion_tokens: 5, total_tokens: 512 });
    const over = await server.complete({ prompt: "x".repeat(510) });
    expect(over).toEqual({
      error: {
        code: 400,
        type: "exceed_context_size_error",
        message: "the prompt has 512 tokens, the context 512",
      },
    });
    for (const body of [{ prompt: 1 }, { prompt: "a", max_tokens: 0 }, { prompt: "a", temperature: "hot" }])
      expect((await server.complete(body)).error?.code).toBe(400);
    expect((await server.get("/v1/models")).status).toBe(404);
  });

  it("takes the whole context's memory at its start, whatever is asked of it", async () => {
    const small = await start(["-m", model, "-c", "512", "-t", "1"]);
    const large = await start(["-m", model, "-t", "1"], { LLAMA_ARG_CTX_SIZE: "8192" });
    await small.statesUntilReady();
    // Meanwhile it listens, and says that it is not there yet.
    expect(await large.statesUntilReady()).toContain(503);
    const more = large.anonymousBytes() - small.anonymousBytes();
    const cache = (8192 - 512) * KV_BYTES_PER_TOKEN;
    expect(more).toBeGreaterThan(0.98 * cache);
    expect(more).toBeLessThan(1.2 * cache);
    expect(readFileSync(`/proc/${large.pid}/comm`, "utf8")).toBe("llama-server\n");
  });

  it("ends with the reason when there is no model, none that it can load, or another on its port", async () => {
    const broken = join(folder, "broken.gguf");
    writeFileSync(broken, readFileSync(model).subarray(0, 100_000));
    const cases: [args: string[], ...reasons: RegExp[]][] = [
      [[], /^llama-server: -m FILE: the model is missing$/m],
      [
        ["-m", model, "-c", "many"],
        /^llama-server: --ctx-size many: a whole number from 0 to \d+ is needed$/m,
      ],
      // The engine's own words reach the log before ours, or after.
      [["-m", broken], /^llama-server: the engine could not load \S+broken\.gguf$/m, /file bounds/],
    ];
    for (const [args, ...reasons] of cases) {
      const server = await start(args);
      expect(await server.ended).toBe(1);
      for (const reason of reasons) expect(server.said).toMatch(reason);
    }
    const first = await start(["-m", model, "-c", "512"]);
    await first.statesUntilReady();
    const second = new Server(folder, first.port, ["-m", model, "-c", "512"], {});
    running.push(second);
    expect(await second.ended).toBe(1);
    expect(second.said).toMatch(/EADDRINUSE/);
  });
});

/** An answer of the completion's interface, or its error. */
interface Answer {
  choices?: { text: string; finish_reason: string }[];
  usage?: Record<string, number>;
  error?: { code: number; message: string };
}

/** A server on 127.0.0.1 that ends with the test, and after a minute whatever happens. */
class Server {
  private readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it has printed. */
  said = "";

  constructor(
    folder: string,
    readonly port: number,
    args: readonly string[],
    environment: Record<string, string>,
  ) {
    this.process = spawn(
      "timeout",
      ["60", process.execPath, join(folder, SERVER), "--port", `${port}`, ...args],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...environment } },
    );
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    this.ended = once(this.process, "close").then(([code]) => code as number | null);
  }

  /** The server's own, below timeout(1). */
  get pid(): number {
    const { pid } = this.process;
    return Number(readFileSync(`/proc/${pid ?? 0}/task/${pid ?? 0}/children`, "utf8"));
  }

  /** Every status of /health on the way to 200. */
  async statesUntilReady(): Promise<Set<number>> {
    const seen = new Set<number>();
    while (!seen.has(200)) {
      if (this.process.exitCode !== null) throw new Error(`it ended: ${this.said}`);
      const { status } = await this.get("/health").catch(() => ({ status: 0 }));
      seen.add(status);
      await sleep(20);
    }
    return seen;
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(10_000) });
  }

  async complete(body: object): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}/v1/completions`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    return (await response.json()) as Answer;
  }

  /** What it holds that is no file's. */
  anonymousBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  async end(): Promise<void> {
    this.process.kill("SIGTERM");
    await this.ended;
  }
}
