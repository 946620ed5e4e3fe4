import { statSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { httpGet } from "../../monitor/host/http-get";
import { createMonitorServer, listen, listenOnSocket, type Served } from "../../monitor/http/server";
import type { Outputs } from "../../monitor/output/outputs";
import { ensureFolder } from "../../monitor/output/atomic";
import { FixtureHost } from "./fixture-host";

const OUTPUTS: Outputs = {
  display: "d\n",
  json: "{}\n",
  prometheus: "airm_up 1\n",
  alerts: "Firing: none\n",
  capacity: '{"available":true}\n',
};

let host: FixtureHost;
let socketPath: string;
const servers: Server[] = [];
beforeEach(() => {
  host = new FixtureHost();
  ensureFolder(host.roots.run);
  socketPath = join(host.roots.run, "monitor.sock");
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
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
  const server = createMonitorServer(
    { outputs: () => OUTPUTS, problem: () => undefined, collect: () => Promise.resolve(), ...served },
    mayCollect,
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
    "/capacity": ['{"available":true}\n', "application/json; charset=utf-8"],
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

test("the client of probes: an answer, a refusal, a silence", async () => {
  const server = createMonitorServer(
    { outputs: () => OUTPUTS, problem: () => undefined, collect: () => Promise.resolve() },
    false,
  );
  servers.push(server);
  await listen(server, { host: "127.0.0.1", port: 0 });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await httpGet(`http://127.0.0.1:${port}/display`, 2)).toEqual({ status: 200, body: "d\n" });
  await expect(httpGet("http://127.0.0.1:1/", 2)).rejects.toThrow("ECONNREFUSED");
  const silent = (await import("node:net")).createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const silentAt = silent.address();
  const silentPort = typeof silentAt === "object" && silentAt !== null ? silentAt.port : 0;
  await expect(httpGet(`http://127.0.0.1:${silentPort}/`, 0.1)).rejects.toThrow("no answer within 0.1 s");
  silent.close();
});
