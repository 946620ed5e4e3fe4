import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import { connect, type Server as NetServer, type Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { errorCode, errorText } from "../host/files";
import type { Outputs } from "../output/outputs";
import type { TokenGate } from "./access";

/** What the server shows. */
export interface Served {
  /** The last outputs; undefined before the first collection. */
  readonly outputs: () => Outputs | undefined;
  /** Why the outputs cannot be relied on; undefined when they can. */
  readonly problem: () => string | undefined;
  /** Whether more work may be sent to this host. */
  readonly available: () => boolean;
  /** From one collection to the next. */
  readonly intervalSeconds: () => number;
  /** Collects now. */
  readonly collect: () => Promise<void>;
}

/** A connection has so long to ask, and to ask again. */
const SECONDS = 5;
/** Of connections at a time. More are answered that they are too many, and far more are not. */
const MOST_ANSWERED = 32;

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

/** The paths, which output each shows, and its type (Prometheus' text format names its version). */
const ROUTES: Readonly<Record<string, readonly [keyof Outputs, string]>> = {
  "/metrics": ["prometheus", "text/plain; version=0.0.4; charset=utf-8"],
  "/json": ["json", JSON_TYPE],
  "/display": ["display", TEXT],
  "/alerts": ["alerts", TEXT],
  "/capacity": ["capacity", JSON_TYPE],
};

/** Who may ask for what, and how. */
export interface Access {
  /** `POST /collect` is for the Unix socket, whose mode says who may. */
  readonly mayCollect: boolean;
  /** Who is let in; undefined is everybody who reaches it. */
  readonly gate?: Pick<TokenGate, "refusal"> | undefined;
  /** Its certificate; undefined is no TLS. */
  readonly tls?: SecureContextOptions | undefined;
}

/** Answers 503 rather than with what is stale. */
export async function createMonitorServer(
  served: Served,
  { mayCollect, gate, tls }: Access,
): Promise<Server | TlsServer> {
  let connections = 0;
  const limits = {
    headersTimeout: SECONDS * 1000,
    requestTimeout: SECONDS * 1000,
    keepAliveTimeout: SECONDS * 1000,
    // How often Node.js looks at the first two: every 30 s by default, whatever they are.
    connectionsCheckingInterval: 1000,
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (connections > MOST_ANSWERED) {
      response.shouldKeepAlive = false;
      request.resume();
      send(response, 503, TEXT, `more than ${MOST_ANSWERED} connections: try again\n`, {
        "retry-after": "1",
      });
      return;
    }
    const refusal = gate?.refusal(request);
    if (refusal !== undefined) {
      request.resume();
      send(response, refusal.status, TEXT, `${refusal.text}\n`, {
        ...(refusal.status === 401 ? { "www-authenticate": "Bearer" } : {}),
      });
      return;
    }
    answer(request, response, served, mayCollect).catch((error: unknown) => {
      send(response, 500, TEXT, `${errorText(error)}\n`);
    });
  };
  // TLS takes memory that a host without it need not have.
  const server =
    tls === undefined
      ? createServer(limits, handle)
      : (await import("node:https")).createServer(
          { ...limits, ...tls, handshakeTimeout: SECONDS * 1000 },
          handle,
        );
  server.on("connection", (socket: Socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
    });
  });
  // Whoever does not take what it asked for.
  server.timeout = 2 * SECONDS * 1000;
  server.maxConnections = 4 * MOST_ANSWERED;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  served: Served,
  mayCollect: boolean,
): Promise<void> {
  request.resume();
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === "/collect" && mayCollect) {
    if (request.method !== "POST") {
      send(response, 405, TEXT, "POST only\n");
      return;
    }
    await served.collect();
    send(response, 200, TEXT, "collected\n");
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    send(response, 405, TEXT, "GET only\n");
    return;
  }
  const route = ROUTES[path];
  if (route === undefined && path !== "/healthz") {
    send(response, 404, TEXT, `there is ${[...Object.keys(ROUTES), "/healthz"].join(", ")}\n`);
    return;
  }
  const outputs = served.outputs();
  const problem = served.problem();
  if (outputs === undefined || problem !== undefined) {
    send(response, 503, TEXT, `${problem ?? "nothing collected yet"}\n`);
    return;
  }
  if (route === undefined) send(response, 200, TEXT, "ok\n");
  else if (route[0] === "capacity") sendCapacity(response, outputs.capacity, served);
  else send(response, 200, route[1], outputs[route[0]]);
}

/** Its status alone is enough for a health check, which reads no body. */
function sendCapacity(response: ServerResponse, body: string, served: Served): void {
  const seconds = served.intervalSeconds();
  if (served.available()) {
    send(response, 200, JSON_TYPE, body, { "cache-control": `public, max-age=${seconds}` });
    return;
  }
  send(response, 503, JSON_TYPE, body, { "cache-control": "no-store", "retry-after": String(seconds) });
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...more });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** Listens on a Unix socket of mode 0660. One that a dead process left is replaced, a live one is an error. */
export async function listenOnSocket(server: NetServer, path: string): Promise<void> {
  if (await isAlive(path)) throw new Error(`another process listens on ${path}`);
  rmSync(path, { force: true });
  await listen(server, { path });
  chmodSync(path, 0o660);
}

export function listen(
  server: NetServer,
  at: { path: string } | { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error) => {
      if (["ECONNREFUSED", "ENOENT"].includes(errorCode(error) ?? "")) resolve(false);
      else reject(error);
    });
  });
}
