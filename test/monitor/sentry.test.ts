import { createServer as createNetServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sinksOf } from "../../monitor/delivery/sinks";
import { HttpClient } from "../../monitor/host/http";
import { Monitor } from "../../monitor/monitor";
import { Bugsink } from "../support/bugsink";
import { withoutPython } from "../support/python-programs";
import { FaultyReceiver } from "../support/faulty-receiver";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(withoutPython !== undefined)(
  `a real receiver of Sentry's messages${withoutPython === undefined ? "" : ` (skipped: ${withoutPython})`}`,
  () => {
    const host = new FixtureHost();
    let bugsink: Bugsink;
    let between: FaultyReceiver;

    beforeAll(async () => {
      const port = await freePort();
      bugsink = new Bugsink(port);
      await bugsink.prepare();
      between = new FaultyReceiver(port);
      await between.listen();
    }, 600_000);
    afterAll(async () => {
      between.close();
      await bugsink.dispose();
      host.dispose();
    }, 60_000);

    test(
      "shows an alert and its end once each, as one issue, whatever happened on the way",
      { timeout: 180_000 },
      async () => {
        const clock = new FakeClock();
        clock.time = Date.now() - 600_000;
        host.write("dsn", `${bugsink.dsn.replace(/:[0-9]+\//, `:${between.port}/`)}\n`);
        const settings = settled({
          host: "goblin",
          alerts: { forSeconds: 0 },
          sinks: {
            sentry: { dsnFile: join(host.folder, "dsn"), environment: "staging", checkInSeconds: 60 },
          },
        });
        const said: string[] = [];
        const made = () =>
          new Monitor(
            settings,
            host.roots,
            collectorOf(host, settings, { clock }),
            clock,
            () => undefined,
            sinksOf(settings, host.roots.state, new HttpClient(), (message) => said.push(message)),
          );
        let monitor = made();
        const collect = async (availableOfThousand: number): Promise<string> => {
          host.write(
            "proc/meminfo",
            `MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: ${availableOfThousand} kB\nCached: 0 kB\n`,
          );
          clock.pass(61);
          const { prometheus } = await monitor.collect();
          await monitor.told;
          return prometheus;
        };

        // It is down when the alert comes, and then behind faults.
        await collect(80);
        for (const fault of ["before", { status: 500 }, { status: 429, retryAfter: "30" }] as const) {
          between.fault = fault;
          await collect(80);
        }
        await bugsink.start();
        between.fault = "after";
        await collect(80);
        expect((await bugsink.events()).map(({ data }) => data["message"] ?? data["logentry"])).toHaveLength(
          1,
        );
        // A restart of ours, while it is not known whether it arrived.
        monitor = made();
        between.fault = "none";
        await collect(80);
        await collect(600);
        const prometheus = await collect(600);

        const events = await bugsink.events();
        expect(new Set(events.map(({ issue }) => issue)).size).toBe(1);
        expect(events.map(({ data }) => data)).toMatchObject([
          {
            level: "warning",
            server_name: "goblin",
            environment: "staging",
            release: "ai-resource-monitor@development",
            fingerprint: ["ai-resource-monitor", "goblin", "memory"],
            tags: { alert: "memory", severity: "warning", status: "firing" },
          },
          { level: "info", tags: { status: "resolved" } },
        ]);
        expect(events.map(({ data }) => JSON.stringify(data["message"] ?? data["logentry"]))).toEqual([
          expect.stringContaining("High memory usage: 92% (920KB/1000KB)"),
          expect.stringContaining("RESOLVED: High memory usage: 40% (400KB/1000KB)"),
        ]);
        // Since the restart: the retry that Bugsink knew already, the end, and a check-in after each collection.
        const counted = (line: string) => {
          expect(prometheus).toContain(`airm_alert_notifications_${line}\n`);
        };
        counted('total{sink="sentry",outcome="delivered"} 2');
        counted('total{sink="sentry",outcome="failed"} 0');
        counted('waiting{sink="sentry"} 0');
        expect(said.slice(0, 8).map((line) => line.replace("sentry_check_in", "sentry"))).toEqual(
          ["502", "502", "hang up", "hang up", "500", "500", "429", "429"].map((why): unknown =>
            expect.stringMatching(new RegExp(`^sentry: (it answers with |socket )${why}$`)),
          ),
        );
        expect(said.join()).not.toContain(new URL(bugsink.dsn).username);
      },
    );
  },
);
