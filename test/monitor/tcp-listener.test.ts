import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SYSTEM_CLOCK } from "../../monitor/host/clock";
import { TcpListener } from "../../monitor/http/tcp-listener";
import { hasOpenssl, makeCertificate } from "../support/certificate";
import { freePort } from "../support/free-port";
import { served } from "../support/served";
import { FixtureHost } from "./fixture-host";

const TOKEN = "a-word-of-many-characters";

let host: FixtureHost;
let port: number;
let listener: TcpListener | undefined;
const path = (name: string): string => join(host.folder, name);

beforeEach(async () => {
  host = new FixtureHost();
  port = await freePort();
});
afterEach(() => {
  listener?.close();
  listener = undefined;
  host.dispose();
});

function at(more: { tokenFile?: string; tls?: { certificateFile: string; keyFile: string } }): TcpListener {
  listener = new TcpListener({ address: "127.0.0.1", port, ...more }, served(), SYSTEM_CLOCK);
  return listener;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly authorization?: string;
  /** The certificate that is trusted; undefined is no TLS. */
  readonly ca?: string;
}

function ask({ path: asked = "/display", method = "GET", authorization, ca }: Asked = {}) {
  const headers = authorization === undefined ? {} : { authorization };
  const options = { host: "127.0.0.1", port, path: asked, method, headers, agent: false };
  return new Promise<{ status: number | undefined; challenge: unknown }>((resolve, reject) => {
    const request =
      ca === undefined ? httpRequest(options) : httpsRequest({ ...options, ca, servername: "" });
    request.on("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode, challenge: response.headers["www-authenticate"] });
    });
    request.on("error", reject);
    request.end();
  });
}

const certificate = (days: number): string => makeCertificate(path("c.pem"), path("k.pem"), days);

describe("a token", () => {
  test("is asked for at every path, and may be replaced at any time", async () => {
    writeFileSync(path("token"), `${TOKEN}\n`);
    const tcp = at({ tokenFile: path("token") });
    await tcp.follow();
    expect(tcp.check()).toBe(true);
    for (const asked of ["/display", "/metrics", "/json", "/alerts", "/capacity", "/healthz", "/nothing"]) {
      expect(await ask({ path: asked })).toEqual({ status: 401, challenge: "Bearer" });
    }
    for (const authorization of ["Bearer", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`, TOKEN])
      expect(await ask({ authorization })).toMatchObject({ status: 401 });
    expect(await ask({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 200 });
    expect(await ask({ path: "/capacity", authorization: `bearer ${TOKEN}` })).toMatchObject({ status: 200 });
    expect(await ask({ path: "/collect", method: "POST", authorization: `Bearer ${TOKEN}` })).toMatchObject({
      status: 405,
    });
    writeFileSync(path("token"), `${TOKEN}-2`);
    expect(await ask({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 401 });
    expect(await ask({ authorization: `Bearer ${TOKEN}-2` })).toMatchObject({ status: 200 });
  });

  test.each([
    ["missing", undefined],
    ["empty", ""],
    ["short", "guessable"],
    ["two words", `${TOKEN} ${TOKEN}`],
  ])("in a file that is %s lets nobody in, and is told of", async (_, content) => {
    if (content !== undefined) writeFileSync(path("token"), content);
    const tcp = at({ tokenFile: path("token") });
    await tcp.follow();
    expect(() => tcp.check()).toThrow(path("token"));
    expect(await ask({ authorization: `Bearer ${content ?? ""}` })).toMatchObject({ status: 503 });
    writeFileSync(path("token"), TOKEN);
    expect(tcp.check()).toBe(true);
    expect(await ask({ authorization: `Bearer ${TOKEN}` })).toMatchObject({ status: 200 });
  });
});

test("a port that another holds is tried again, and told of meanwhile", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  const tcp = at({});
  await tcp.follow();
  expect(() => tcp.check()).toThrow("EADDRINUSE");
  await new Promise((resolve) => other.close(resolve));
  await tcp.follow();
  expect(tcp.check()).toBe(true);
  expect(await ask()).toMatchObject({ status: 200 });
});

describe.skipIf(!hasOpenssl)("a certificate", () => {
  const files = () => ({ certificateFile: path("c.pem"), keyFile: path("k.pem") });

  test("is shown to whoever asks, and what is no TLS is not answered", async () => {
    const ca = certificate(2);
    const tcp = at({ tls: files() });
    await tcp.follow();
    expect(tcp.check()).toBe(true);
    expect(await ask({ ca })).toMatchObject({ status: 200 });
    await expect(ask()).rejects.toThrow();
  });

  test("that was renewed is shown without a new start; one that is none is told of, and the one before stays", async () => {
    const first = certificate(2);
    const tcp = at({ tls: files() });
    await tcp.follow();
    const second = certificate(3);
    expect(await ask({ ca: first })).toMatchObject({ status: 200 });
    await tcp.follow();
    await expect(ask({ ca: first })).rejects.toThrow();
    expect(await ask({ ca: second })).toMatchObject({ status: 200 });
    writeFileSync(path("c.pem"), "no certificate");
    await tcp.follow();
    expect(() => tcp.check()).toThrow("the certificate before stays in use");
    expect(await ask({ ca: second })).toMatchObject({ status: 200 });
    rmSync(path("k.pem"));
    await tcp.follow();
    expect(() => tcp.check()).toThrow("the certificate before stays in use");
    const third = certificate(2);
    await tcp.follow();
    expect(tcp.check()).toBe(true);
    expect(await ask({ ca: third })).toMatchObject({ status: 200 });
  });

  test("whose key is another's is not taken", async () => {
    certificate(2);
    const key = readFileSync(path("k.pem"));
    const ca = certificate(2);
    const tcp = at({ tls: files() });
    await tcp.follow();
    writeFileSync(path("k.pem"), key);
    await tcp.follow();
    expect(() => tcp.check()).toThrow("the certificate before stays in use");
    expect(await ask({ ca })).toMatchObject({ status: 200 });
  });

  test("that is not there yet is waited for; one that has expired is told of", async () => {
    const tcp = at({ tls: files() });
    await tcp.follow();
    expect(() => tcp.check()).toThrow(`${path("c.pem")} is not there`);
    const ca = certificate(1);
    chmodSync(path("k.pem"), 0o400);
    await tcp.follow();
    expect(tcp.check()).toBe(true);
    expect(await ask({ ca })).toMatchObject({ status: 200 });
    tcp.close();
    const later = { ...SYSTEM_CLOCK, now: () => Date.now() + 2 * 86_400_000 };
    listener = new TcpListener({ address: "127.0.0.1", port, tls: files() }, served(), later);
    await listener.follow();
    expect(() => listener?.check()).toThrow(`${path("c.pem")} has expired`);
  });
});
