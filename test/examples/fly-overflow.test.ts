import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Overflow, readSettings } from "../../examples/fly-overflow/overflow";

const SECOND = 1000;

/** Fly's Machines API as far as the example asks it, and a host's `/capacity`. */
let server: Server;
let machines: Record<string, { state: string; metadata?: Record<string, string> }>;
let capacity: { status: number; body: string };
let isDown: boolean;
let calls: string[];
let said: string[];
let overflow: Overflow;

beforeEach(async () => {
  machines = {
    mine1: { state: "stopped", metadata: { "goblin-overflow": "yes" } },
    other: { state: "stopped" },
    mine2: { state: "suspended", metadata: { "goblin-overflow": "yes" } },
  };
  capacity = { status: 200, body: '{"available":true}' };
  isDown = false;
  calls = [];
  said = [];
  server = createServer((request, response) => {
    if (request.url === "/capacity") {
      expect(request.headers.authorization).toBe("Bearer capacity-token");
      response.writeHead(capacity.status).end(capacity.body);
      return;
    }
    expect(request.headers.authorization).toBe("Bearer fly-token");
    if (isDown) {
      response.writeHead(503).end();
      return;
    }
    if (request.url === "/v1/apps/goblin-llm/machines" && request.method === "GET") {
      const list = Object.entries(machines).map(([id, { state, metadata }]) => ({
        id,
        state,
        config: { metadata },
      }));
      response.end(JSON.stringify(list));
      return;
    }
    const [, id = "", action = ""] =
      /^\/v1\/apps\/goblin-llm\/machines\/(\w+)\/(start|stop)$/.exec(request.url ?? "") ?? [];
    const machine = machines[id];
    if (machine === undefined || request.method !== "POST") {
      response.writeHead(404).end();
      return;
    }
    calls.push(`${action} ${id}`);
    machine.state = action === "start" ? "started" : "stopped";
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = readSettings({
    CAPACITY_URL: `${base}/capacity`,
    CAPACITY_TOKEN: "capacity-token",
    FLY_API_HOSTNAME: base,
    FLY_API_TOKEN: "fly-token",
    OVERFLOW_APP: "goblin-llm",
    FULL_SECONDS: "60",
    CALM_SECONDS: "600",
  });
  overflow = new Overflow(settings, (line) => said.push(line));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

/** Looks at these seconds. */
async function look(...seconds: number[]): Promise<void> {
  for (const second of seconds) await overflow.look(second * SECOND);
}

test("starts its own Machines one by one while there is no room, and stops them when there is", async () => {
  await look(0, 1000);
  expect(calls).toEqual([]);
  capacity = { status: 503, body: '{"available":false}' };
  await look(1010, 1060);
  expect(calls).toEqual([]);
  await look(1070, 1120);
  expect(calls).toEqual(["start mine1"]);
  await look(1130, 1190, 1250);
  expect(calls).toEqual(["start mine1", "start mine2"]);
  capacity = { status: 200, body: '{"available":true}' };
  await look(1260, 1850);
  expect(calls).toHaveLength(2);
  await look(1860, 2460, 3060);
  expect(calls.slice(2)).toEqual(["stop mine1", "stop mine2"]);
  expect(machines["other"]?.state).toBe("stopped");
});

test("a host that is stale or silent has no room; a short lack of it starts nothing", async () => {
  capacity = { status: 503, body: "the last collection is 31 s old\n" };
  await look(0, 50);
  capacity = { status: 200, body: '{"available":true}' };
  await look(55);
  capacity = { status: 200, body: "<html>a proxy's own page</html>" };
  await look(60, 110);
  expect(calls).toEqual([]);
  await look(120);
  expect(calls).toEqual(["start mine1"]);
});

test("a token that the host does not take starts nothing", async () => {
  capacity = { status: 401, body: "Authorization: Bearer TOKEN\n" };
  await expect(look(0)).rejects.toThrow("takes another token");
  await expect(look(100)).rejects.toThrow("takes another token");
  expect(calls).toEqual([]);
});

test("what Fly refuses is tried again at the next look", async () => {
  capacity = { status: 503, body: '{"available":false}' };
  await look(0);
  isDown = true;
  await expect(look(60)).rejects.toThrow("Fly answers 503 to GET /machines");
  isDown = false;
  await look(70);
  expect(calls).toEqual(["start mine1"]);
});

test("all that is missing is told at once", () => {
  expect(() => readSettings({ CAPACITY_URL: "http://a", FULL_SECONDS: "soon" })).toThrow(
    "set OVERFLOW_APP, FLY_API_TOKEN, FULL_SECONDS (a number of seconds, 1 or more)",
  );
});
