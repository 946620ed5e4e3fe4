import { statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
} from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HttpClient } from "../../monitor/host/http";
import { type BuiltPage, Page } from "../../monitor/http/page";
import { createMonitorServer, listenOnSocket, type Served } from "../../monitor/http/server";
import type { Outputs } from "../../monitor/output/outputs";
import { ensureFolder } from "../../monitor/output/atomic";
import { FixtureHost } from "./fixture-host";

const OUTPUTS: Outputs = {
  display: "d\n",
  json: "{}\n",
  prometheus: "airm_up 1\n",
  alerts: "Firing: none\n",
  capacity: '{\n  "available": true\n}\n',
};

let host: FixtureHost;
let socketPath: string;
const servers: Server[] = [];
const ended: (Server | NetServer)[] = [];
beforeEach(() => {
  host = new FixtureHost();
  ensureFolder(host.roots.run);
  socketPath = join(host.roots.run, "monitor.sock");
});
afterEach(() => {
  for (const server of [...servers.splice(0), ...ended.splice(0)]) {
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  }
  host.dispose();
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(path: string, method = "GET", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    call.on("error", reject);
    call.end();
  });
}

const PAGE: BuiltPage = {
  html: `<!doctype html>${"<p>all is well</p>".repeat(200)}`,
  version: "v1",
  script: "sha256-aaaa",
  style: "sha256-bbbb",
};

const SERVED: Served = {
  page: new Page(PAGE),
  history: { ask: (hours) => Promise.resolve(`{"hours":${hours}}\n`) },
  hostName: () => "goblin",
  outputs: () => OUTPUTS,
  collectedAt: () => undefined,
  problem: () => undefined,
  available: () => true,
  intervalSeconds: () => 10,
  collect: () => Promise.resolve(),
};

async function serving(served: Partial<Served> = {}, mayCollect = true): Promise<Server> {
  const server = await createMonitorServer({ ...SERVED, ...served }, { mayCollect });
  servers.push(server);
  await listenOnSocket(server, socketPath);
  return server;
}

test("each path shows its output with its type", async () => {
  await serving();
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  const types = {
    "/metrics": ["airm_up 1\n", "text/plain; version=0.0.4; charset=utf-8"],
    "/json?pretty": ["{}\n", "application/json; charset=utf-8"],
    "/display": ["d\n", "text/plain; charset=utf-8"],
    "/alerts": ["Firing: none\n", "text/plain; charset=utf-8"],
    "/capacity": [OUTPUTS.capacity, "application/json; charset=utf-8"],
    "/healthz": ["ok\n", "text/plain; charset=utf-8"],
  };
  for (const [path, [body, type]] of Object.entries(types)) {
    const answer = await ask(path);
    expect([path, answer.status, answer.body, answer.headers["content-type"]]).toEqual([
      path,
      200,
      body,
      type,
    ]);
  }
  expect(await ask("/display", "HEAD")).toMatchObject({ status: 200, body: "" });
});

test("/capacity tells by its status and headers, too", async () => {
  let available = true;
  await serving({ available: () => available });
  const room = await ask("/capacity");
  expect(room).toMatchObject({ status: 200, headers: { "cache-control": "public, max-age=10" } });
  available = false;
  expect(await ask("/capacity")).toMatchObject({
    status: 503,
    body: OUTPUTS.capacity,
    headers: { "cache-control": "no-store", "retry-after": "10" },
  });
});

test("other paths and methods are refused", async () => {
  await serving();
  expect(await ask("/x")).toMatchObject({ status: 404, body: expect.stringContaining("/metrics") as string });
  expect(await ask("/../etc/passwd")).toMatchObject({ status: 404 });
  expect(await ask("/display", "DELETE")).toMatchObject({ status: 405 });
  expect(await ask("/collect")).toMatchObject({ status: 405 });
});

test("what is stale or not there yet is 503, health too", async () => {
  const now: { outputs: Outputs | undefined } = { outputs: undefined };
  await serving({ outputs: () => now.outputs, problem: () => "the last collection is 31 s old" });
  for (const path of ["/metrics", "/healthz"]) {
    expect(await ask(path)).toMatchObject({ status: 503, body: "the last collection is 31 s old\n" });
  }
  now.outputs = OUTPUTS;
  expect(await ask("/display")).toMatchObject({ status: 503 });
});

test("POST /collect collects; its failure is told; elsewhere than on the socket it is refused", async () => {
  let collections = 0;
  const server = await serving({
    collect: () => {
      collections += 1;
      return collections === 1 ? Promise.resolve() : Promise.reject(new Error("no room"));
    },
  });
  expect(await ask("/collect", "POST")).toMatchObject({ status: 200, body: "collected\n" });
  expect(await ask("/collect", "POST")).toMatchObject({ status: 500, body: "no room\n" });
  server.close();
  await serving({ collect: () => Promise.reject(new Error("never")) }, false);
  expect(await ask("/collect", "POST")).toMatchObject({ status: 405 });
});

test("a socket that a dead process left is replaced, a live one is refused", async () => {
  writeFileSync(socketPath, "");
  await serving();
  expect((await ask("/healthz")).status).toBe(200);
  await expect(serving()).rejects.toThrow(`another process listens on ${socketPath}`);
  expect((await ask("/healthz")).status).toBe(200);
});

describe("the page", () => {
  test("is served with a policy that lets it ask its own server and nothing else", async () => {
    await serving();
    const { status, headers, body } = await ask("/");
    expect([status, body]).toEqual([200, PAGE.html]);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; script-src 'sha256-aaaa'; style-src 'sha256-bbbb'; img-src data:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-cache",
      vary: "accept-encoding",
      etag: 'W/"v1"',
    });
    const head = await ask("/", "HEAD");
    expect([head.status, head.body, head.headers["content-length"]]).toEqual([
      200,
      "",
      String(Buffer.byteLength(PAGE.html)),
    ]);
  });

  test("is compressed for who takes that, and not sent again while it is the same", async () => {
    await serving();
    for (const [accepted, expected] of [
      ["gzip, deflate, br", "gzip"],
      ["*", "gzip"],
      ["gzip;q=0, *", undefined],
      ["deflate", undefined],
      ["gzip; q=0.5", "gzip"],
    ] as const) {
      const { headers } = await ask("/", "HEAD", { "accept-encoding": accepted });
      expect([accepted, headers["content-encoding"]]).toEqual([accepted, expected]);
    }
    const zipped = await new Page(PAGE).answer({ "accept-encoding": "gzip" });
    expect(gunzipSync(zipped.body).toString()).toBe(PAGE.html);
    expect(zipped.body.length).toBeLessThan(PAGE.html.length / 5);
    const same = await ask("/", "GET", { "if-none-match": '"other", W/"v1"' });
    expect([same.status, same.body, same.headers.etag]).toEqual([304, "", 'W/"v1"']);
    expect((await ask("/", "GET", { "if-none-match": 'W/"v0"' })).status).toBe(200);
  });

  test("is there while the outputs are stale, the past too, and /json says why and since when", async () => {
    await serving({
      problem: () => "the last collection is 40 s old: no room",
      collectedAt: () => Date.UTC(2025, 11, 8, 10, 30),
    });
    expect((await ask("/")).status).toBe(200);
    expect(await ask("/history")).toMatchObject({ status: 200, body: '{"hours":6}\n' });
    expect(await ask("/json")).toMatchObject({
      status: 503,
      body: "the last collection is 40 s old: no room (since 2025-12-08T10:30:00Z)\n",
    });
  });

  test("the past: of so many hours, and one question at a time", async () => {
    let isBusy = false;
    await serving({ history: { ask: (hours) => (isBusy ? undefined : Promise.resolve(`${hours}\n`)) } });
    expect(await ask("/history?hours=168")).toMatchObject({ status: 200, body: "168\n" });
    for (const hours of ["0", "169", "-1", "1.5", "", "six"])
      expect([hours, (await ask(`/history?hours=${hours}`)).status]).toEqual([hours, 400]);
    isBusy = true;
    expect(await ask("/history")).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
  });
});

describe("a browser", () => {
  const CHROME = { "accept-language": "en" };
  const PATHS = ["/", "/history", "/json", "/metrics", "/display", "/alerts"];

  test("is answered by an address, localhost or the host's name, and by no name that others let point here", async () => {
    await serving();
    for (const host of [
      "127.0.0.1:9900",
      "10.0.0.7",
      "[::1]:9900",
      "localhost:9900",
      "LOCALHOST",
      "goblin:9465",
    ])
      for (const path of PATHS)
        expect([host, path, (await ask(path, "GET", { ...CHROME, host })).status]).toEqual([host, path, 200]);
    for (const host of [
      "evil.example:9900",
      "goblin.evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "[evil]",
    ])
      for (const path of PATHS)
        expect([host, path, (await ask(path, "GET", { ...CHROME, host })).status]).toEqual([host, path, 421]);
    expect((await ask("/", "GET", { host: "evil.example" })).body).toBe(
      'a browser is answered by an IP address, localhost or goblin, not by "evil.example"\n',
    );
    // Each of what a browser sends is enough to tell it by.
    for (const sign of ["origin", "referer", "sec-fetch-site", "sec-fetch-mode"])
      expect(
        (await ask("/json", "GET", { host: "evil.example", [sign]: "http://evil.example" })).status,
      ).toBe(421);
  });

  test("that shows another origin's page gets nothing; a link is followed", async () => {
    await serving();
    const host = "127.0.0.1:9900";
    for (const path of PATHS) {
      const status = async (headers: Record<string, string>) =>
        (await ask(path, "GET", { ...CHROME, host, ...headers })).status;
      expect(await status({ origin: "http://evil.example" })).toBe(403);
      expect(await status({ origin: "null" })).toBe(403);
      expect(await status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" })).toBe(403);
      expect(await status({ "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" })).toBe(403);
      const navigation = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
      expect(await status({ ...navigation, "sec-fetch-dest": "document" })).toBe(200);
      expect(await status({ ...navigation, "sec-fetch-dest": "iframe" })).toBe(403);
      expect(await status({ origin: `http://${host}`, "sec-fetch-site": "same-origin" })).toBe(200);
    }
  });

  test("makes nothing be collected", async () => {
    let collections = 0;
    await serving({
      collect: () => {
        collections += 1;
        return Promise.resolve();
      },
    });
    const host = "127.0.0.1:9900";
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: `http://${host}` },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-origin" },
    ])
      expect((await ask("/collect", "POST", { host, ...headers })).status).toBe(403);
    expect(collections).toBe(0);
    expect((await ask("/collect", "POST", { host })).status).toBe(200);
    expect(collections).toBe(1);
  });

  test("is not Prometheus, which asks by any name, nor a load balancer, which passes on what it got", async () => {
    await serving();
    // What Prometheus 2.42 and 3 send.
    const prometheus = {
      host: "gpu-7.prod.example:9465",
      "user-agent": "Prometheus/2.42.0",
      accept: "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "accept-encoding": "gzip",
      "x-prometheus-scrape-timeout-seconds": "10",
    };
    expect(await ask("/metrics", "GET", prometheus)).toMatchObject({ status: 200, body: "airm_up 1\n" });
    expect((await ask("/json", "GET", { host: "monitor", "user-agent": "curl/7.88.1" })).status).toBe(200);
    const visitor = { ...CHROME, host: "api.example.com", origin: "https://shop.example.com" };
    for (const path of ["/capacity", "/healthz"]) expect((await ask(path, "GET", visitor)).status).toBe(200);
  });
});

/** A server on a free port of loopback. */
async function listening(server: Server | NetServer): Promise<number> {
  ended.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("the client that asks services", () => {
  test("an answer, its status, a refusal, a silence", async () => {
    const http = new HttpClient();
    const server = await createMonitorServer(SERVED, { mayCollect: false });
    const port = await listening(server);
    expect(await http.get(`http://127.0.0.1:${port}/display`, 2)).toEqual({ status: 200, body: "d\n" });
    expect(await http.status(`http://127.0.0.1:${port}/nothing`, 2)).toBe(404);
    await expect(http.get("http://127.0.0.1:1/", 2)).rejects.toThrow("ECONNREFUSED");
    const silent = await listening(createNetServer(() => undefined));
    await expect(http.get(`http://127.0.0.1:${silent}/`, 0.1)).rejects.toThrow("no answer within 0.1 s");
    await expect(http.status(`http://127.0.0.1:${silent}/`, 0.1)).rejects.toThrow("no answer within 0.1 s");
  });

  test("an answer that has no end is not kept, and its status is", async () => {
    const http = new HttpClient();
    const endless = createServer((_request, response) => {
      const write = (): void => {
        while (response.write("x".repeat(16_384)));
      };
      response.on("drain", write);
      write();
    });
    const port = await listening(endless);
    await expect(http.get(`http://127.0.0.1:${port}/`, 5)).rejects.toThrow("larger than 128 KiB");
    expect(await http.status(`http://127.0.0.1:${port}/`, 5)).toBe(200);
  });

  test("many services that answer much at once do not get all they say kept", async () => {
    const http = new HttpClient();
    const waiting: (() => void)[] = [];
    const large = createServer((_request, response) => {
      response.write("x".repeat(100_000));
      waiting.push(() => response.end());
    });
    const port = await listening(large);
    const answers = Array.from({ length: 20 }, () => http.get(`http://127.0.0.1:${port}/`, 5));
    const ended = Promise.allSettled(answers);
    while (waiting.length < 20) await sleep(10);
    for (const end of waiting) end();
    const kept = (await ended).filter(({ status }) => status === "fulfilled").length;
    expect(kept).toBeLessThanOrEqual(5);
    expect(
      (await Promise.allSettled(answers)).flatMap((one) =>
        one.status === "rejected" ? String(one.reason) : [],
      ),
    ).toContainEqual(expect.stringContaining("the answers of all services are larger than 512 KiB"));
    // What was held is let go.
    const again = http.get(`http://127.0.0.1:${port}/`, 5);
    while (waiting.length < 21) await sleep(10);
    waiting.at(-1)?.();
    expect((await again).body).toHaveLength(100_000);
  });
});

describe("whoever holds connections", () => {
  test("and never asks is let go within seconds", { timeout: 20_000 }, async () => {
    await serving();
    const started = performance.now();
    const socket = connect(socketPath);
    socket.on("error", () => undefined);
    socket.write("GET /display HTTP/1.1\r\nhost: x\r\n");
    let said = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(performance.now() - started).toBeLessThan(8000);
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("lets others be told that they are too many, not cut off", async () => {
    await serving();
    const held = Array.from({ length: 40 }, () => connect(socketPath));
    for (const socket of held) socket.on("error", () => undefined);
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await sleep(50);
    const answer = await ask("/display");
    expect(answer).toMatchObject({ status: 503, body: "more than 32 connections: try again\n" });
    expect(answer.headers).toMatchObject({ "retry-after": "1", connection: "close" });
    for (const socket of held) socket.destroy();
    await sleep(50);
    expect((await ask("/display")).status).toBe(200);
  });
});
