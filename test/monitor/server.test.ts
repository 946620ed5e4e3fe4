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
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HttpClient } from "../../monitor/host/http";
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

function ask(path: string, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, agent: false }, (response) => {
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

async function serving(served: Partial<Served> = {}, mayCollect = true): Promise<Server> {
  const server = await createMonitorServer(
    {
      outputs: () => OUTPUTS,
      problem: () => undefined,
      available: () => true,
      intervalSeconds: () => 10,
      collect: () => Promise.resolve(),
      ...served,
    },
    { mayCollect },
  );
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
  expect(await ask("/")).toMatchObject({ status: 404, body: expect.stringContaining("/metrics") as string });
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

/** A server on a free port of loopback. */
async function listening(server: Server | NetServer): Promise<number> {
  ended.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("the client that asks services", () => {
  test("an answer, its status, a refusal, a silence", async () => {
    const http = new HttpClient();
    const server = await createMonitorServer(
      {
        outputs: () => OUTPUTS,
        problem: () => undefined,
        available: () => true,
        intervalSeconds: () => 10,
        collect: () => Promise.resolve(),
      },
      { mayCollect: false },
    );
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
