import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import { connect, type Server as NetServer, type Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { errorCode, errorText } from "../host/files";
import type { Outputs } from "../output/outputs";
import { utcTime } from "../render/times";
import type { TokenGate } from "./access";
import { type HistoryRequests, hoursOf } from "./history";
import { refusal, type Refusal } from "./origin";
import type { Page } from "./page";

/** What the server shows. */
export interface Served {
  /** For people. */
  readonly page: Pick<Page, "answer">;
  /** The past. */
  readonly history: Pick<HistoryRequests, "ask">;
  /** What the host is called, and so a browser may call it. */
  readonly hostName: () => string;
  /** The last outputs; undefined before the first collection. */
  readonly outputs: () => Outputs | undefined;
  /** When they were collected, in milliseconds since 1970. */
  readonly collectedAt: () => number | undefined;
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
/** A tenth of a core reads a week in a few seconds; within them nothing is sent. */
const HISTORY_SECONDS = 60;
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

/** What a browser keeps to itself, and asks for again. */
const PRIVATE: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
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
    // No page of a browser can show a token, by whatever name it asks.
    const refused = gate === undefined ? foreign(request, served.hostName()) : gate.refusal(request);
    if (refused !== undefined) {
      request.resume();
      send(response, refused.status, TEXT, `${refused.text}\n`, {
        ...(refused.status === 401 ? { "www-authenticate": "Bearer" } : {}),
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
  const { method = "GET" } = request;
  const { path, query } = asked(request);
  if (path === "/collect" && mayCollect) {
    if (method !== "POST") {
      send(response, 405, TEXT, "POST only\n");
      return;
    }
    await served.collect();
    send(response, 200, TEXT, "collected\n");
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    send(response, 405, TEXT, "GET only\n");
    return;
  }
  if (path === "/") await sendPage(request, response, served);
  else if (path === "/history") await sendHistory(response, served, query);
  else sendOutput(response, served, path);
}

function asked({ url = "/" }: IncomingMessage): { path: string; query: string } {
  const [path = "/", query = ""] = url.split("?", 2);
  return { path, query };
}

/** Why a page of a browser is not answered. */
function foreign(request: IncomingMessage, hostName: string): Refusal | undefined {
  const { method = "GET", headers } = request;
  return refusal(asked(request).path, method, headers, hostName);
}

/** Also while there is nothing to show: it says so. */
async function sendPage(request: IncomingMessage, response: ServerResponse, { page }: Served): Promise<void> {
  const { status, headers, body } = await page.answer(request.headers);
  response.writeHead(status, status === 304 ? headers : { ...headers, "content-length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** The past does not become stale. */
async function sendHistory(response: ServerResponse, { history }: Served, query: string): Promise<void> {
  const hours = hoursOf(query);
  if (hours === undefined) {
    send(response, 400, TEXT, "hours: a whole number from 1 to 168\n");
    return;
  }
  response.req.socket.setTimeout(HISTORY_SECONDS * 1000);
  const answer = history.ask(hours);
  if (answer === undefined)
    send(response, 503, TEXT, "another question about the past is being answered\n", { "retry-after": "1" });
  else send(response, 200, JSON_TYPE, await answer, PRIVATE);
}

function sendOutput(response: ServerResponse, served: Served, path: string): void {
  const route = ROUTES[path];
  if (route === undefined && path !== "/healthz") {
    const paths = ["/", "/history", ...Object.keys(ROUTES), "/healthz"];
    send(response, 404, TEXT, `there is ${paths.join(", ")}\n`);
    return;
  }
  const outputs = served.outputs();
  const problem = served.problem();
  const collectedAt = served.collectedAt();
  if (outputs === undefined || problem !== undefined) {
    // Since when it is blind is as much as it can tell.
    const since = collectedAt === undefined ? "" : ` (since ${utcTime(collectedAt)})`;
    send(response, 503, TEXT, `${problem ?? "nothing collected yet"}${since}\n`, PRIVATE);
    return;
  }
  if (route === undefined) send(response, 200, TEXT, "ok\n");
  else if (route[0] === "capacity") sendCapacity(response, outputs.capacity, served);
  else send(response, 200, route[1], outputs[route[0]], PRIVATE);
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
