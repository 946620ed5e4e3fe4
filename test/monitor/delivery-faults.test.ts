import { createSocket } from "node:dgram";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { sinksOf } from "../../monitor/delivery/sinks";
import { HttpClient } from "../../monitor/host/http";
import { Monitor } from "../../monitor/monitor";
import { parseDatagram } from "../support/dogstatsd";
import { type Fault, FaultyReceiver } from "../support/faulty-receiver";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

type Sinks = NonNullable<Parameters<typeof settled>[0]>["sinks"];

/** A host whose memory is full after each odd collection, and has room after each even one. */
class Rig {
  readonly host = new FixtureHost();
  readonly clock = new FakeClock();
  private readonly settings;
  private monitor: Monitor;
  private count = 0;

  constructor(sinks: (host: FixtureHost) => Sinks) {
    this.settings = settled({ host: "goblin", alerts: { forSeconds: 0 }, sinks: sinks(this.host) });
    this.monitor = this.made();
    open.push(() => {
      this.host.dispose();
    });
  }

  restart(): void {
    this.monitor = this.made();
  }

  /** @returns what it counts, by sink: `delivered=2 failed=1 waiting=0` */
  async collect(options: { wait: boolean } = { wait: true }): Promise<Record<string, string>> {
    this.count += 1;
    this.host.write(
      "proc/meminfo",
      `MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: ${this.count % 2 === 1 ? 80 : 600} kB\nCached: 0 kB\n`,
    );
    this.clock.pass(61);
    const { prometheus } = await this.monitor.collect();
    if (options.wait) await this.monitor.told;
    return countsIn(prometheus);
  }

  /** A collection that neither raises nor clears anything, for what the ones before have to tell. */
  async settle(): Promise<Record<string, string>> {
    this.count -= 1;
    await this.collect();
    this.count -= 1;
    return this.collect();
  }

  private made(): Monitor {
    const { settings, host, clock } = this;
    const sinks = sinksOf(settings, host.roots.state, new HttpClient(), () => undefined);
    return new Monitor(
      settings,
      host.roots,
      collectorOf(host, settings, { clock }),
      clock,
      () => undefined,
      sinks,
    );
  }
}

function countsIn(prometheus: string): Record<string, string> {
  const counts: Record<string, string> = {};
  const lines = prometheus.matchAll(
    /^airm_alert_notifications_(\w+)\{sink="(\w+)"(?:,outcome="(\w+)")?\} (\d+)$/gm,
  );
  for (const [, kind = "", sink = "", outcome, value = ""] of lines) {
    if (value === "0") continue;
    const name = outcome ?? kind;
    counts[sink] = `${counts[sink] === undefined ? "" : `${counts[sink]} `}${name}=${value}`;
  }
  return counts;
}

const FAULTS: [name: string, fault: Fault][] = [
  ["down", "none"],
  ["cut before it has read", "before"],
  ["cut after it has taken", "after"],
  ["one that answers 500", { status: 500 }],
  ["one that answers 429 with Retry-After", { status: 429, retryAfter: "30" }],
  ["one whose address is wrong for now", { status: 404 }],
];

interface Case {
  readonly sink: "webhook" | "sentry";
  readonly address: (port: number) => string;
  readonly of: (body: string) => { readonly id: string; readonly what: string };
}

const CASES: Case[] = [
  {
    sink: "webhook",
    address: (port) => `http://127.0.0.1:${port}/hook`,
    of: (body) => {
      const { id, status } = JSON.parse(body) as { id: string; status: string };
      return { id, what: status };
    },
  },
  {
    sink: "sentry",
    address: (port) => `http://key@127.0.0.1:${port}/1`,
    of: (body) => {
      const event = JSON.parse(body.split("\n")[2] ?? "") as { event_id: string; tags: { status: string } };
      return { id: event.event_id, what: event.tags.status };
    },
  },
];

describe.each(CASES)("$sink", ({ sink, address, of }) => {
  test.each(FAULTS)("%s for a while: nothing is lost, and nothing told twice", async (name, fault) => {
    const receiver = new FaultyReceiver();
    await receiver.listen();
    open.push(() => {
      receiver.close();
    });
    const { port } = receiver;
    const rig = new Rig((host) => {
      host.write("address", `${address(name === "down" ? 9 : port)}\n`);
      const file = join(host.folder, "address");
      return sink === "webhook" ? { webhook: { urlFile: file } } : { sentry: { dsnFile: file } };
    });
    receiver.fault = fault;
    for (let count = 0; count < 4; count++) await rig.collect();
    // Over a restart of ours, too.
    rig.restart();
    await rig.collect();
    receiver.fault = "none";
    rig.host.write("address", `${address(port)}\n`);
    await rig.collect();
    const counts = await rig.settle();

    const told = receiver.taken.map(({ body }) => of(body));
    const once = [...new Map(told.map((one) => [one.id, one.what])).values()];
    expect(once).toEqual(["firing", "resolved", "firing", "resolved", "firing", "resolved"]);
    // What was taken and not acknowledged comes again, under the id that it had.
    expect(told.length - once.length > 0).toBe(fault === "after");
    expect(counts).toEqual({ [sink]: "delivered=6 failed=1" });
  });

  test("one that does not answer holds up no collection, and is told of all when it does", async () => {
    const receiver = new FaultyReceiver();
    await receiver.listen();
    open.push(() => {
      receiver.close();
    });
    const rig = new Rig((host) => {
      host.write("address", `${address(receiver.port)}\n`);
      const file = join(host.folder, "address");
      return sink === "webhook" ? { webhook: { urlFile: file } } : { sentry: { dsnFile: file } };
    });
    receiver.fault = "held";
    // A collection that waited for the answer would never end.
    for (let count = 0; count < 6; count++) await rig.collect({ wait: false });
    while (receiver.taken.length === 0) await sleep(10);
    expect(receiver.attempts).toBe(1);
    receiver.fault = "none";
    receiver.release();
    for (let attempt = 0; receiver.taken.length < 6 && attempt < 100; attempt++) {
      await rig.settle();
      await sleep(20);
    }
    const ids = receiver.taken.map(({ body }) => of(body).id);
    expect([ids.length, new Set(ids).size]).toEqual([6, 6]);
  });
});

test("an agent of Datadog's that is down for a while: nothing is lost, and nothing told twice", async () => {
  const got: string[] = [];
  const listen = async (port: number) => {
    const socket = createSocket("udp4").on("message", (datagram) => {
      for (const one of parseDatagram(datagram)) if (one.kind === "event") got.push(one.fields["t"] ?? "");
    });
    await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
    return { port: socket.address().port, close: () => socket.close() };
  };
  const first = await listen(0);
  const rig = new Rig(() => ({ datadog: { address: "127.0.0.1", port: first.port } }));
  await rig.collect();
  first.close();
  for (let count = 0; count < 3; count++) await rig.collect();
  rig.restart();
  await rig.collect();
  const second = await listen(first.port);
  open.push(second.close);
  await rig.collect();
  const counts = await rig.settle();
  expect(got).toEqual(["warning", "success", "warning", "success", "warning", "success"]);
  // Nobody has acknowledged anything.
  expect(counts).toEqual({ datadog: "sent=5 failed=1", datadog_up: "sent=2 failed=1" });
});
