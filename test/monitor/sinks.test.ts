import { createSocket, type Socket } from "node:dgram";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sendDatagram } from "../../monitor/delivery/datagrams";
import { Delivery } from "../../monitor/delivery/delivery";
import { alertDatagram, upDatagram } from "../../monitor/delivery/dogstatsd";
import type { QueuedEvent } from "../../monitor/delivery/event-queue";
import { sentryCheckIn, sentryEvent, slugOf } from "../../monitor/delivery/sentry-envelope";
import { sinksOf } from "../../monitor/delivery/sinks";
import type { Sink, Telling } from "../../monitor/delivery/sink";
import type { HttpSender } from "../../monitor/host/http";
import { type DatadogCheck, type DatadogEvent, parseDatagram } from "../support/dogstatsd";
import { FixtureHost, settled } from "./fixture-host";

const hosts: FixtureHost[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
  for (const socket of sockets.splice(0)) socket.close();
});

function fixture(): FixtureHost {
  const host = new FixtureHost();
  hosts.push(host);
  return host;
}

const TIME = Date.UTC(2025, 11, 8, 10, 35);
const raised: QueuedEvent = {
  id: "0d9a4c7e-6f52-4f6e-9a35-1c1f0b7f8e21",
  time: TIME,
  kind: "ALERT",
  alert: "service_memory",
  labels: { service: "ollama" },
  severity: "critical",
  message: "Service ollama memory usage at 95%",
};
const over: QueuedEvent = { ...raised, id: "f0f0f0f0-0000-4000-8000-000000000001", kind: "RESOLVED" };

const telling = (seconds: number, more: Partial<Telling> = {}): Telling => ({
  time: TIME + seconds * 1000,
  monotonicSeconds: seconds,
  intervalSeconds: 10,
  host: "goblin",
  events: [],
  alerts: [],
  seesAll: true,
  ...more,
});

describe("Sentry", () => {
  const DSN = "https://0123456789abcdef@sentry.example.com/base/7";
  const itemsOf = (body: string) =>
    body.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);

  test("gets an event for an alert, which is the same for each attempt", () => {
    const { url, body } = sentryEvent(DSN, "production", "goblin", raised);
    expect(url).toBe(
      "https://sentry.example.com/base/api/7/envelope/?sentry_version=7&sentry_key=0123456789abcdef&sentry_client=ai-resource-monitor%2Fdevelopment",
    );
    const [envelope, item, event, ...others] = itemsOf(body);
    const event_id = "0d9a4c7e6f524f6e9a351c1f0b7f8e21";
    expect(envelope).toMatchObject({
      event_id,
      sdk: { name: "ai-resource-monitor", version: "development" },
    });
    expect(body).not.toContain("0123456789abcdef");
    expect(item).toEqual({ type: "event" });
    expect(event).toEqual({
      event_id,
      timestamp: TIME / 1000,
      platform: "other",
      logger: "ai-resource-monitor",
      level: "error",
      message: "Service ollama memory usage at 95%",
      release: "ai-resource-monitor@development",
      environment: "production",
      server_name: "goblin",
      fingerprint: ["ai-resource-monitor", "goblin", "service_memory", "service=ollama"],
      tags: { alert: "service_memory", service: "ollama", severity: "critical", status: "firing" },
      sdk: {
        name: "ai-resource-monitor",
        version: "development",
        integrations: [],
        packages: [],
        settings: { infer_ip: "never" },
      },
    });
    expect(others).toEqual([]);
  });

  test("gets the end as another event of the same issue, of level info", () => {
    const eventOf = (event: QueuedEvent, host = "goblin") =>
      itemsOf(sentryEvent(DSN, "production", host, event).body)[2];
    const [first, last] = [eventOf(raised), eventOf(over)];
    expect(last).toMatchObject({
      level: "info",
      message: "RESOLVED: Service ollama memory usage at 95%",
      fingerprint: first?.["fingerprint"],
      tags: { status: "resolved" },
    });
    expect(last?.["event_id"]).not.toBe(first?.["event_id"]);
    expect(eventOf({ ...raised, severity: "warning" })).toMatchObject({ level: "warning" });
    const others = [eventOf({ ...raised, labels: { service: "llama" } }), eventOf(raised, "other")];
    for (const other of others) expect(other?.["fingerprint"]).not.toEqual(first?.["fingerprint"]);
  });

  test("takes what is too long cut", () => {
    const long = { ...raised, message: "x".repeat(20_000), labels: { path: `/${"é".repeat(300)}` } };
    const event = itemsOf(sentryEvent(DSN, "production", "goblin", long).body)[2];
    expect(event?.["message"]).toBe("x".repeat(8192));
    expect(event?.["tags"]).toMatchObject({ path: `/${"é".repeat(199)}` });
  });

  test.each([
    "https://sentry.example.com/7",
    "https://hunter2@sentry.example.com/",
    "https://hunter2@sentry.example.com/seven",
    "ftp://hunter2@sentry.example.com/7",
    "https://hunter2@sentry.example.com/7?x=1",
  ])("refuses %s, without a word of it", (dsn) => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(() => sentryEvent(dsn, "production", "goblin", raised)).toThrow(
      new Error("its file holds no DSN of Sentry's, such as https://KEY@sentry.example.com/7"),
    );
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  test("gets check-ins of a monitor that it makes by itself", () => {
    const [, item, checkIn] = itemsOf(
      sentryCheckIn(DSN, "production", "goblin", { id: raised.id, everySeconds: 120 }).body,
    );
    expect(item).toEqual({ type: "check_in" });
    expect(checkIn).toEqual({
      check_in_id: "0d9a4c7e6f524f6e9a351c1f0b7f8e21",
      monitor_slug: "airm-goblin",
      status: "ok",
      environment: "production",
      release: "ai-resource-monitor@development",
      monitor_config: { schedule: { type: "interval", value: 2, unit: "minute" }, checkin_margin: 5 },
    });
    expect([slugOf("GPU@Host.1"), slugOf("a".repeat(64)).length]).toEqual(["airm-gpu-host-1", 50]);
  });

  test("is told by a DSN in a file, read for each message, and of life as often as it was promised", async () => {
    const host = fixture();
    const config = settled({
      sinks: { sentry: { dsnFile: join(host.folder, "dsn"), checkInSeconds: 60 } },
    });
    const sent: string[] = [];
    const http: HttpSender = {
      send: (url, { body = "" }) => {
        sent.push(`${new URL(url).host} ${String(itemsOf(body)[1]?.["type"])}`);
        return Promise.resolve({ status: 200, retryAfterSeconds: undefined });
      },
    };
    const said: string[] = [];
    const sinks = sinksOf(config, host.roots.state, http, (message) => said.push(message));
    let now = 0;
    const delivery = new Delivery(sinks, () => now);
    host.write("dsn", "# Written by somebody\nhttps://hunter2@one.example\n");
    await delivery.tell(telling(now, { events: [{ ...raised, repeated: false }] }));
    const why = "its file holds no DSN of Sentry's, such as https://KEY@sentry.example.com/7";
    expect(said).toEqual([`sentry: ${why}`, `sentry_check_in: ${why}`]);
    host.write("dsn", "# Written by somebody\nhttps://key@one.example/1\n");
    now = 10;
    await delivery.tell(telling(now));
    host.write("dsn", "https://key@two.example/1\n");
    for (now = 20; now <= 70; now += 10)
      await delivery.tell(telling(now, now === 20 ? { events: [{ ...over, repeated: false }] } : {}));
    expect(sent.sort()).toEqual([
      "one.example check_in",
      "one.example event",
      "two.example check_in",
      "two.example event",
    ]);
    expect(delivery.report).toEqual([
      { sink: "sentry", outcomes: { delivered: 2, sent: 0, failed: 1, refused: 0 }, waiting: 0, dropped: 0 },
      {
        sink: "sentry_check_in",
        outcomes: { delivered: 2, sent: 0, failed: 1, refused: 0 },
        waiting: 0,
        dropped: 0,
      },
    ]);
    host.write("dsn", "https://key@two.example/1\nhttps://key@one.example/1\n");
    now = 200;
    await delivery.tell(telling(now));
    expect(said.at(-1)).toBe(
      `sentry_check_in: ${join(host.folder, "dsn")} holds no http:// or https:// address`,
    );
  });
});

describe("Datadog", () => {
  const parse = (text: string) => parseDatagram(Buffer.from(text)) as [DatadogEvent, DatadogCheck];

  test("gets an event and the state of a service check", () => {
    expect(alertDatagram(raised, "goblin")).toBe(
      "_e{34,34}:Service ollama memory usage at 95%|Service ollama memory usage at 95%|d:1765190100|h:goblin|k:1452ae572f3f020b133d5117aaac3c3c" +
        "|t:error|#alert:service_memory,service:ollama,severity:critical,status:firing\n" +
        "_sc|airm.alert|2|d:1765190100|h:goblin|#alert:service_memory,service:ollama|m:Service ollama memory usage at 95%",
    );
    expect(upDatagram(TIME, "goblin")).toBe("_sc|airm.up|0|d:1765190100|h:goblin");
  });

  test("gets the end as a success and OK, of the same key and tags", () => {
    const [[event, check], [end, ok]] = [
      parse(alertDatagram(raised, "goblin")),
      parse(alertDatagram(over, "goblin")),
    ];
    expect([end.title, end.fields["t"], end.fields["k"]]).toEqual([
      "RESOLVED: Service ollama memory usage at 95%",
      "success",
      event.fields["k"],
    ]);
    expect([ok.status, ok.fields["#"]]).toEqual([0, check.fields["#"]]);
    expect(parse(alertDatagram({ ...raised, severity: "warning" }, "goblin"))).toMatchObject([
      { fields: { t: "warning" } },
      { status: 1 },
    ]);
    const others = [
      { ...raised, labels: { service: "llama" } },
      { ...raised, alert: "service_oom" as const },
    ];
    for (const other of others)
      expect(parse(alertDatagram(other, "goblin"))[0].fields["k"]).not.toBe(event.fields["k"]);
  });

  test("takes what would end a field, a tag or a line, and characters of several bytes", () => {
    const message = "Disk (/srv/mödels|a,b)\nfails: m:1 |#x 模型";
    const [event, check] = parse(
      alertDatagram({ ...raised, message, labels: { path: "/a|b,c\nd #é" } }, "go|blin\n"),
    );
    expect(event).toMatchObject({
      title: message.replace("\n", " "),
      text: message,
      fields: { h: "go-blin", "#": "alert:service_memory,path:/a b_c d #é,severity:critical,status:firing" },
    });
    expect(check.fields).toMatchObject({
      "#": "alert:service_memory,path:/a b_c d #é",
      m: "Disk (/srv/mödels a,b) fails: m:1 #x 模型",
    });
  });

  test("takes what is too long cut, between two characters", () => {
    const [event, check] = parse(
      alertDatagram(
        { ...raised, message: "模".repeat(10_000), labels: { path: "é".repeat(5000) } },
        "h".repeat(999),
      ),
    );
    expect([event.title, event.text, check.fields["m"]]).toEqual(
      [33, 1333, 166].map((count) => "模".repeat(count)),
    );
    expect(check.fields["h"]).toHaveLength(255);
  });

  const agent = async (port = 0) => {
    const got: Buffer[] = [];
    const socket = createSocket("udp4").on("message", (message) => got.push(message));
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
    return {
      got,
      port: socket.address().port,
      close: () => sockets.splice(sockets.indexOf(socket), 1)[0]?.close(),
    };
  };

  test("what an agent that is down does not hear waits for it, and is told once; over a restart of ours, too", async () => {
    const host = fixture();
    const first = await agent();
    const { port } = first;
    const config = settled({ sinks: { datadog: { address: "127.0.0.1", port } } });
    const said: string[] = [];
    const made = (): Sink[] =>
      sinksOf(
        config,
        host.roots.state,
        { send: () => Promise.reject(new Error("nobody sends HTTP")) },
        (message) => said.push(message),
      );
    let now = 0;
    let delivery = new Delivery(made(), () => now);
    await delivery.tell(telling(now, { events: [{ ...raised, repeated: false }] }));
    first.close();
    now = 60;
    await delivery.tell(telling(now, { events: [{ ...over, repeated: false }] }));
    expect(delivery.report).toEqual([
      { sink: "datadog", outcomes: { delivered: 0, sent: 1, failed: 1, refused: 0 }, waiting: 1, dropped: 0 },
      {
        sink: "datadog_up",
        outcomes: { delivered: 0, sent: 1, failed: 1, refused: 0 },
        waiting: 0,
        dropped: 0,
      },
    ]);
    expect(said).toEqual([
      expect.stringMatching(/^datadog: .*ECONNREFUSED/),
      expect.stringMatching(/^datadog_up: .*ECONNREFUSED/),
    ]);
    const second = await agent(port);
    delivery = new Delivery(made(), () => now);
    now = 120;
    await delivery.tell(telling(now));
    now = 130;
    await delivery.tell(telling(now));
    const kinds = (got: Buffer[]) =>
      got.flatMap((datagram) =>
        parseDatagram(datagram).map((one) =>
          one.kind === "event" ? one.title : `${one.name} ${one.status}`,
        ),
      );
    expect(kinds(first.got).sort()).toEqual([
      "Service ollama memory usage at 95%",
      "airm.alert 2",
      "airm.up 0",
    ]);
    expect(kinds(second.got).sort()).toEqual([
      "RESOLVED: Service ollama memory usage at 95%",
      "airm.alert 0",
      "airm.up 0",
    ]);
  });

  test("what no datagram reaches is known to have failed", async () => {
    await expect(sendDatagram("x".repeat(70_000), { address: "127.0.0.1", port: 9 })).rejects.toThrow(
      "EMSGSIZE",
    );
    await expect(sendDatagram("x", { address: "::1", port: 9 })).rejects.toThrow(
      /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/,
    );
  });
});
