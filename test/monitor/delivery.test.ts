import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Alertmanager } from "../../monitor/delivery/alertmanager";
import { Backoff } from "../../monitor/delivery/backoff";
import { Delivery } from "../../monitor/delivery/delivery";
import { EventSink } from "../../monitor/delivery/event-sink";
import { Heartbeat } from "../../monitor/delivery/heartbeat";
import { attemptOf, outcomeOf } from "../../monitor/delivery/outcome";
import type { Sink, Telling } from "../../monitor/delivery/sink";
import { sinksOf } from "../../monitor/delivery/sinks";
import { webhook } from "../../monitor/delivery/webhook";
import { HttpClient, type HttpSender, type Receipt } from "../../monitor/host/http";
import { Monitor } from "../../monitor/monitor";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

const hosts: FixtureHost[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

function fixture(...situations: string[]): FixtureHost {
  const host = new FixtureHost(...situations);
  hosts.push(host);
  return host;
}

interface Sent {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Somebody who answers as it is told to, and remembers. */
class Receiver implements HttpSender {
  readonly sent: Sent[] = [];
  answer: (() => Promise<Receipt>) | number = 200;

  send: HttpSender["send"] = (url, { body, headers = {} }) => {
    this.sent.push({ url, body: body === undefined ? undefined : (JSON.parse(body) as unknown), headers });
    return typeof this.answer === "number"
      ? Promise.resolve({ status: this.answer, retryAfterSeconds: undefined })
      : this.answer();
  };
}

const event = (message: string, kind: "ALERT" | "RESOLVED" = "ALERT", repeated = false) =>
  ({
    kind,
    repeated,
    alert: "memory",
    labels: {},
    severity: "warning",
    message,
  }) as const;

function telling(at: number, more: Partial<Telling> = {}): Telling {
  return {
    time: Date.UTC(2025, 11, 8, 10, 30, 0) + at * 1000,
    monotonicSeconds: at,
    intervalSeconds: 10,
    host: "goblin",
    events: [],
    alerts: [],
    seesAll: true,
    ...more,
  };
}

const firing = (message: string, at = 0) =>
  ({
    alert: "memory",
    labels: {},
    severity: "warning",
    phase: "firing",
    sinceSeconds: at,
    firedAt: telling(at).time,
    loggedSeconds: at,
    message,
  }) as const;

const warnings: string[] = [];
const warn = (message: string) => warnings.push(message);
const half = () => 1;

/** Every attempt that is due at a time. */
async function all(sink: Sink, at: number): Promise<(string | undefined)[]> {
  const outcomes = [];
  for (let outcome = await sink.deliver(at); outcome !== undefined; outcome = await sink.deliver(at)) {
    outcomes.push(outcome);
    if (outcome === "failed") break;
  }
  return outcomes;
}

test("back-off: twice as late each time up to a minute, later where it is asked for, and none after a success", () => {
  const backoff = new Backoff(half);
  const waits = [];
  let now = 0;
  for (let failure = 0; failure < 6; failure++) {
    backoff.failed(now);
    const from = now;
    while (!backoff.isDue(now)) now += 1;
    waits.push(now - from);
  }
  expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
  backoff.failed(now, 300);
  expect([backoff.isDue(now + 299), backoff.isDue(now + 300)]).toEqual([false, true]);
  backoff.failed(now, 1e9);
  expect(backoff.isDue(now + 3600)).toBe(true);
  backoff.succeeded();
  expect(backoff.isDue(now)).toBe(true);
  // Two hosts do not come at the same moment.
  const early = new Backoff(() => 0);
  early.failed(0);
  expect([early.isDue(2), early.isDue(2.5)]).toEqual([false, true]);
});

test("what is refused for good is the message; an address that is wrong may be put right", () => {
  const of = (status: number) => outcomeOf({ status, retryAfterSeconds: undefined });
  expect([200, 202, 204].map(of)).toEqual(["delivered", "delivered", "delivered"]);
  expect([400, 409, 413, 422].map(of)).toEqual(["refused", "refused", "refused", "refused"]);
  for (const status of [301, 307, 401, 403, 404, 408, 410, 425, 429, 500, 503])
    expect(of(status)).toBe("failed");
});

describe("the webhook", () => {
  const hook = (host: FixtureHost, http: HttpSender) =>
    new EventSink(
      "webhook",
      webhook(() => "https://hook.example/secret", http),
      host.roots.state,
      warn,
      half,
    );

  test("gets each alert that comes or goes, once, in order, and no repeats", async () => {
    const http = new Receiver();
    const sink = hook(fixture(), http);
    sink.note(telling(0, { events: [event("one"), event("two"), event("one", "ALERT", true)] }));
    sink.note(telling(10, { events: [event("one", "RESOLVED")] }));
    expect(await all(sink, 10)).toEqual(["delivered", "delivered", "delivered"]);
    expect(http.sent.map(({ url, body }) => [url, body])).toMatchObject([
      [
        "https://hook.example/secret",
        {
          host: "goblin",
          status: "firing",
          time: "2025-12-08T10:30:00Z",
          alert: "memory",
          severity: "warning",
          message: "one",
        },
      ],
      [expect.anything(), { status: "firing", message: "two" }],
      [expect.anything(), { status: "resolved", time: "2025-12-08T10:30:10Z", message: "one" }],
    ]);
    expect(sink.waiting).toBe(0);
  });

  test("that is away gets all in their order when it is back, over a restart too, with the ids of before", async () => {
    const host = fixture();
    const http = new Receiver();
    http.answer = () => Promise.reject(new Error("ECONNREFUSED"));
    const sink = hook(host, http);
    sink.note(telling(0, { events: [event("one")] }));
    expect(await all(sink, 0)).toEqual(["failed"]);
    sink.note(telling(3, { events: [event("two")] }));
    // Not before its time.
    expect(await all(sink, 4)).toEqual([]);
    http.answer = 503;
    expect(await all(sink, 5)).toEqual(["failed"]);
    const again = hook(host, http);
    again.note(telling(20));
    http.answer = 200;
    expect(await all(again, 20)).toEqual(["delivered", "delivered"]);
    const ids = http.sent.map(({ headers }) => headers["idempotency-key"]);
    expect(http.sent.map(({ body }) => (body as { message: string }).message)).toEqual([
      "one",
      "one",
      "one",
      "two",
    ]);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).not.toBe(ids[0]);
    expect(readFileSync(join(host.roots.state, "webhook-queue.json"), "utf8")).toBe("[]\n");
  });

  test("that refuses one gets the next; one that asks for time gets it", async () => {
    const http = new Receiver();
    const sink = hook(fixture(), http);
    sink.note(telling(0, { events: [event("one"), event("two")] }));
    http.answer = 400;
    expect(await sink.deliver(0)).toBe("refused");
    http.answer = () => Promise.resolve({ status: 429, retryAfterSeconds: 120 });
    expect(await sink.deliver(0)).toBe("failed");
    http.answer = 200;
    expect(await sink.deliver(119)).toBeUndefined();
    expect(await sink.deliver(120)).toBe("delivered");
    expect(sink.waiting).toBe(0);
  });

  test("that is away for long costs the oldest, and they are counted", () => {
    const sink = hook(fixture(), new Receiver());
    sink.note(telling(0, { events: Array.from({ length: 520 }, (_, index) => event(`${index}`)) }));
    expect([sink.waiting, sink.dropped]).toEqual([500, 20]);
  });

  test("what of its queue cannot be costs itself only", async () => {
    const host = fixture();
    const good = { id: "a", time: 0, kind: "ALERT", alert: "memory", severity: "warning", message: "good" };
    host.write("state/webhook-queue.json", JSON.stringify([null, 7, {}, { ...good, time: 1e300 }, good]));
    const http = new Receiver();
    const sink = hook(host, http);
    expect(await all(sink, 0)).toEqual(["delivered"]);
    host.write("state/webhook-queue.json", "[{");
    expect(hook(host, http).waiting).toBe(0);
    expect(warnings.at(-1)).toContain("webhook-queue.json");
  });
});

describe("the heartbeat", () => {
  const beat = (http: HttpSender, url: string) => async () =>
    attemptOf(await http.send(url, { method: "GET" }, 1));
  const beats = (http: HttpSender) =>
    new Heartbeat("heartbeat", beat(http, "https://beat.example/uuid"), 60, warn, half);

  test("beats after collections, as often as it is told, and not after one that did not see", async () => {
    const http = new Receiver();
    const sink = beats(http);
    const times = [];
    for (let at = 0; at <= 180; at += 10) {
      sink.note(telling(at, { seesAll: at < 100 || at > 150 }));
      if ((await sink.deliver(at)) === "delivered") times.push(at);
    }
    expect(times).toEqual([0, 60, 160]);
    // No collection, no beat.
    expect(await sink.deliver(1000)).toBeUndefined();
  });

  test("that failed is tried again soon, not after its time", async () => {
    const http = new Receiver();
    const sink = beats(http);
    http.answer = 500;
    sink.note(telling(0));
    expect(await sink.deliver(0)).toBe("failed");
    http.answer = 200;
    sink.note(telling(10));
    expect(await sink.deliver(10)).toBe("delivered");
  });
});

describe("Alertmanager", () => {
  const alertmanager = (http: HttpSender) => new Alertmanager(() => "http://am:9093/", http, warn, half);
  const last = (http: Receiver) => http.sent.at(-1)?.body as Record<string, Record<string, string>>[];

  test("is told again and again of what fires, each time with an end that lies ahead, and once that it is over", async () => {
    const http = new Receiver();
    const sink = alertmanager(http);
    sink.note(telling(0));
    expect(await sink.deliver(0)).toBeUndefined();
    sink.note(
      telling(10, { alerts: [firing("92%", 10), { ...firing("x"), alert: "cpu", phase: "pending" }] }),
    );
    expect(await sink.deliver(10)).toBe("delivered");
    expect(http.sent.at(-1)?.url).toBe("http://am:9093/api/v2/alerts");
    expect(last(http)).toEqual([
      {
        labels: { alertname: "memory", severity: "warning", instance: "goblin", job: "ai-resource-monitor" },
        annotations: { summary: "92%", runbook: "docs/alerts.md#memory" },
        startsAt: "2025-12-08T10:30:10.000Z",
        endsAt: "2025-12-08T10:30:50.000Z",
      },
    ]);
    expect(await sink.deliver(12)).toBeUndefined();
    sink.note(telling(20, { alerts: [firing("95%", 10)] }));
    expect(await sink.deliver(20)).toBe("delivered");
    expect(last(http)).toMatchObject([
      { startsAt: "2025-12-08T10:30:10.000Z", endsAt: "2025-12-08T10:31:00.000Z" },
    ]);
    sink.note(telling(30));
    expect(await sink.deliver(30)).toBe("delivered");
    expect(last(http)).toMatchObject([{ endsAt: "2025-12-08T10:30:30.000Z" }]);
    sink.note(telling(40));
    expect(await sink.deliver(40)).toBeUndefined();
    expect(sink.waiting).toBe(0);
  });

  test("that was away hears of the end when it is back, and of an alert that came again as one that fires", async () => {
    const http = new Receiver();
    const sink = alertmanager(http);
    sink.note(telling(0, { alerts: [firing("92%"), { ...firing("95%"), alert: "cpu" }] }));
    await sink.deliver(0);
    http.answer = 503;
    sink.note(telling(10));
    expect(await sink.deliver(10)).toBe("failed");
    expect(sink.waiting).toBe(2);
    sink.note(telling(20, { alerts: [{ ...firing("96%", 20), alert: "cpu" }] }));
    http.answer = 200;
    expect(await sink.deliver(20)).toBe("delivered");
    expect(last(http).map(({ labels, endsAt }) => [labels?.alertname, endsAt])).toEqual([
      ["memory", "2025-12-08T10:30:10.000Z"],
      ["cpu", "2025-12-08T10:31:00.000Z"],
    ]);
    expect(sink.waiting).toBe(0);
  });

  test("what comes or ends while it is being told is told after it", async () => {
    const http = new Receiver();
    const sink = alertmanager(http);
    let arrive: (receipt: Receipt) => void = () => undefined;
    http.answer = () => new Promise((resolve) => (arrive = resolve));
    sink.note(telling(0, { alerts: [firing("92%")] }));
    const first = sink.deliver(0);
    sink.note(telling(10));
    arrive({ status: 200, retryAfterSeconds: undefined });
    expect(await first).toBe("delivered");
    http.answer = 200;
    expect(await sink.deliver(10)).toBe("delivered");
    expect(last(http)).toMatchObject([{ endsAt: "2025-12-08T10:30:10.000Z" }]);
  });
});

describe("delivery", () => {
  test("one that hangs holds up neither a collection nor another sink", async () => {
    const host = fixture();
    const slow = new Receiver();
    slow.answer = () => new Promise(() => undefined);
    const quick = new Receiver();
    const delivery = new Delivery(
      [
        new EventSink(
          "webhook",
          webhook(() => "http://a/", slow),
          host.roots.state,
          warn,
        ),
        new Heartbeat(
          "heartbeat",
          async () => attemptOf(await quick.send("http://b/", { method: "GET" }, 1)),
          10,
          warn,
        ),
      ],
      () => 0,
    );
    void delivery.tell(telling(0, { events: [event("one"), event("two")] }));
    void delivery.tell(telling(10, { events: [event("three")] }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(slow.sent).toHaveLength(1);
    expect(delivery.report).toEqual([
      { sink: "webhook", outcomes: { delivered: 0, sent: 0, failed: 0, refused: 0 }, waiting: 3, dropped: 0 },
      {
        sink: "heartbeat",
        outcomes: { delivered: 1, sent: 0, failed: 0, refused: 0 },
        waiting: 0,
        dropped: 0,
      },
    ]);
  });

  test("from a host's memory to a real receiver, by addresses in files, which are read anew for each", async () => {
    const got: { url: string | undefined; body: string }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        got.push({ url: request.url, body });
        response.end();
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const host = fixture();
    const file = (name: string) => join(host.folder, name);
    host.write("webhook", "no address\n");
    host.write("beat", `http://127.0.0.1:${port}/beat\n`);
    const config = settled({
      host: "goblin",
      alerts: { forSeconds: 0 },
      sinks: { webhook: { urlFile: file("webhook") }, heartbeat: { urlFile: file("beat") } },
    });
    const clock = new FakeClock();
    const said: string[] = [];
    const sinks = sinksOf(config, host.roots.state, new HttpClient(), (message) => said.push(message));
    const monitor = new Monitor(config, host.roots, collectorOf(host, config, { clock }), clock, warn, sinks);
    host.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 50 kB\nCached: 0 kB\n");
    await monitor.collect();
    await monitor.told;
    expect(said).toEqual([`webhook: ${file("webhook")} holds no http:// or https:// address`]);
    expect(got).toEqual([{ url: "/beat", body: "" }]);
    host.write("webhook", `http://127.0.0.1:${port}/hook\n`);
    clock.pass(10);
    const { prometheus } = await monitor.collect();
    await monitor.told;
    expect(
      got.slice(1).map(({ url, body }) => [url, (JSON.parse(body) as { message: string }).message]),
    ).toEqual([["/hook", "High memory usage: 95% (950KB/1000KB)"]]);
    expect(prometheus).toContain('airm_alert_notifications_total{sink="webhook",outcome="failed"} 1');
    expect(prometheus).toContain('airm_alert_notifications_waiting{sink="webhook"} 1');
  });
});
