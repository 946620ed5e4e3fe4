import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SYSTEM_CLOCK } from "../../monitor/host/clock";
import { TcpListener } from "../../monitor/http/tcp-listener";
import { freePort } from "../support/free-port";
import { served } from "../support/served";
import { workerd } from "../support/workerd";

const EXAMPLE = join(import.meta.dirname, "../../examples/cloudflare-worker");
/** What the monitor says of the specification's sample, the fullest of it as free as can be. */
const SAMPLE = JSON.parse(
  readFileSync(join(import.meta.dirname, "../monitor/goldens/sample-capacity.json"), "utf8").replace(
    /("(?:cpu|disk|vram|swap)": )[0-9.]+/g,
    "$10.95",
  ),
) as { headroom: Record<string, number> };
const TOKEN = "a-word-of-many-characters";

let folder: string;
let program: string;
const ending: (() => void)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goblin-worker-"));
  writeFileSync(join(folder, "token"), TOKEN);
  await build({
    entryPoints: [join(EXAMPLE, "worker.ts")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    logLevel: "silent",
  });
  program = await workerd();
}, 300_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
});

/** A host: the monitor's own listener, and a service that says who has answered what. */
class Host {
  room = 0.5;
  available = true;
  problem: string | undefined;
  asked = 0;
  readonly heard: string[] = [];
  private constructor(
    readonly name: string,
    readonly monitorPort: number,
    readonly service: Server,
    readonly listener: TcpListener,
  ) {}

  static async start(name: string, intervalSeconds = 1): Promise<Host> {
    const port = await freePort();
    let host: Host | undefined = undefined as Host | undefined;
    const capacity = () => {
      const { available = true, room = 0 } = host ?? {};
      return JSON.stringify({ ...SAMPLE, available, headroom: { ...SAMPLE.headroom, memory: room } });
    };
    const listener = new TcpListener(
      { address: "127.0.0.1", port, tokenFile: join(folder, "token") },
      served({
        outputs: () => {
          if (host !== undefined) host.asked += 1;
          return { display: "", json: "", prometheus: "", alerts: "", capacity: capacity() };
        },
        problem: () => host?.problem,
        available: () => host?.available ?? false,
        intervalSeconds: () => intervalSeconds,
      }),
      SYSTEM_CLOCK,
    );
    await listener.follow();
    listener.check();
    const service = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        host?.heard.push(`${request.method ?? ""} ${request.url ?? ""} ${body}`);
        response.end(name);
      });
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const made = new Host(name, port, service, listener);
    host = made;
    ending.push(() => {
      made.end();
    });
    return made;
  }

  get declared() {
    const { port } = this.service.address() as AddressInfo;
    return {
      name: this.name,
      origin: `http://127.0.0.1:${port}`,
      capacity: `http://127.0.0.1:${this.monitorPort}/capacity`,
    };
  }

  end(): void {
    this.listener.close();
    this.service.close();
    this.service.closeAllConnections();
  }
}

async function bodyOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The example in Cloudflare's runtime, which reaches loopback and nothing else. */
async function gateway(hosts: readonly object[], token: string | undefined = TOKEN): Promise<number> {
  const port = await freePort();
  const text = (name: string, value: string) => `(name = "${name}", text = ${JSON.stringify(value)})`;
  const bindings = [text("HOSTS", JSON.stringify(hosts)), text("CAPACITY_TOKEN", token)];
  writeFileSync(
    join(folder, "worker.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["127.0.0.0/8"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [${bindings.join(", ")}],
);
`,
  );
  const child: ChildProcess = spawn(program, ["serve", "worker.capnp"], { cwd: folder, stdio: "pipe" });
  ending.push(() => child.kill("SIGKILL"));
  let said = "";
  child.stderr?.on("data", (data: Buffer) => (said += data.toString()));
  for (let left = 100; left > 0; left -= 1) {
    if (child.exitCode !== null) break;
    const isUp = await ask(port, "/").then(
      () => true,
      () => false,
    );
    if (isUp) return port;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`workerd does not answer: ${said}`);
}

function ask(port: number, path: string, body?: string) {
  return new Promise<{ status: number; body: string; retryAfter: string | undefined }>((resolve, reject) => {
    const method = body === undefined ? "GET" : "POST";
    const request = httpRequest({ host: "127.0.0.1", port, path, method, agent: false }, (response) => {
      bodyOf(response).then((text) => {
        resolve({
          status: response.statusCode ?? 0,
          body: text,
          retryAfter: response.headers["retry-after"],
        });
      }, reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

const passes = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 100));

describe("the example of a Worker, in Cloudflare's runtime", () => {
  let a: Host;
  let b: Host;
  beforeEach(async () => {
    a = await Host.start("a");
    b = await Host.start("b");
  });

  test("sends work to the host with most room, all of it, and asks a host once while its answer holds", async () => {
    b.room = 0.7;
    const port = await gateway([a.declared, b.declared]);
    await passes(1);
    const [before, heard] = [b.asked, b.heard.length];
    for (let index = 0; index < 5; index += 1)
      expect(await ask(port, "/v1/chat?x=1", `{"n":${index}}`)).toMatchObject({ status: 200, body: "b" });
    expect(b.asked - before).toBeLessThanOrEqual(2);
    expect(b.heard.slice(heard)).toEqual([0, 1, 2, 3, 4].map((n) => `POST /v1/chat?x=1 {"n":${n}}`));
    b.room = 0.2;
    await passes(1);
    expect(await ask(port, "/")).toMatchObject({ status: 200, body: "a" });
  });

  test("leaves out a host that is full, stale, silent, or takes another token", async () => {
    b.room = 0.9;
    const port = await gateway([a.declared, b.declared]);
    expect(await ask(port, "/")).toMatchObject({ body: "b" });
    b.available = false;
    await passes(1);
    expect(await ask(port, "/")).toMatchObject({ status: 200, body: "a" });
    b.available = true;
    await passes(1);
    expect(await ask(port, "/")).toMatchObject({ body: "b" });
    b.problem = "the last collection is 31 s old";
    await passes(1);
    expect(await ask(port, "/")).toMatchObject({ body: "a" });
    const stranger = await gateway([a.declared, b.declared], "another-word-of-many-characters");
    expect(await ask(stranger, "/")).toMatchObject({ status: 503 });
  });

  test("says when to come back where no host has room, and that one does not answer", async () => {
    a.available = false;
    const port = await gateway([a.declared]);
    expect(await ask(port, "/")).toMatchObject({
      status: 503,
      body: '{"error":"no host has room for more work"}',
      retryAfter: "1",
    });
    a.available = true;
    await passes(1);
    expect(await ask(port, "/")).toMatchObject({ status: 200, body: "a" });
    a.service.closeAllConnections();
    await new Promise((resolve) => a.service.close(resolve));
    await passes(1);
    expect(await ask(port, "/", "{}")).toMatchObject({ status: 502, retryAfter: "1" });
    // And then it is left out for a while, whatever its monitor says.
    const { status, retryAfter } = await ask(port, "/");
    expect([status, Number(retryAfter) > 1]).toEqual([503, true]);
  });

  test("does not wait for a host that takes the question and is silent", async () => {
    b.room = 0.1;
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    ending.push(() => {
      mute.close();
      mute.closeAllConnections();
    });
    const { port: silent } = mute.address() as AddressInfo;
    const capacity = `http://127.0.0.1:${silent}/capacity`;
    const port = await gateway([{ ...a.declared, capacity }, b.declared]);
    const started = Date.now();
    expect(await ask(port, "/")).toMatchObject({ status: 200, body: "b" });
    expect(Date.now() - started).toBeLessThan(5000);
  });
});
