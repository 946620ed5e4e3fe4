import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { sinksOf } from "../../monitor/delivery/sinks";
import { HttpClient } from "../../monitor/host/http";
import { Monitor } from "../../monitor/monitor";
import { mayOverlay, withItsFiles } from "../support/debian-programs";
import { freePort } from "../support/free-port";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

/** What Alertmanager sends to its own receivers. */
interface Notification {
  readonly status: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}

describe.skipIf(!mayOverlay)(
  "a real Alertmanager (skipped where its package cannot be unpacked and laid over /usr)",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "airm-alertmanager-"));
    const host = new FixtureHost();
    const notifications: Notification[] = [];
    let receiver: Server;
    let command: readonly [string, ...string[]];
    let config: string;
    let port: number;
    let alertmanager: ChildProcess | undefined;

    beforeAll(async () => {
      command = await withItsFiles("prometheus-alertmanager");
      receiver = createServer((request, response) => {
        void bodyOf(request).then((body) => {
          notifications.push(JSON.parse(body) as Notification);
          response.end();
        });
      });
      await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
      config = join(folder, "alertmanager.yml");
      writeFileSync(
        config,
        stringify({
          route: {
            receiver: "us",
            group_by: ["..."],
            group_wait: "0s",
            group_interval: "1s",
            repeat_interval: "1h",
          },
          receivers: [{ name: "us", webhook_configs: [{ url, send_resolved: true }] }],
        }),
      );
      port = await freePort();
    }, 120_000);
    afterAll(async () => {
      await stop();
      receiver.close();
      receiver.closeAllConnections();
      host.dispose();
      rmSync(folder, { recursive: true });
    });

    async function start(): Promise<void> {
      const [program, ...before] = command;
      alertmanager = spawn(
        program,
        [
          ...before,
          `--config.file=${config}`,
          `--storage.path=${join(folder, "data")}`,
          `--web.listen-address=127.0.0.1:${port}`,
          "--cluster.listen-address=",
        ],
        { stdio: "ignore" },
      );
      const http = new HttpClient();
      for (let attempt = 0; ; attempt++) {
        const status = await http.status(`http://127.0.0.1:${port}/-/ready`, 1).catch(() => 0);
        if (status === 200) return;
        if (attempt > 200) throw new Error("Alertmanager does not become ready");
        await sleep(50);
      }
    }

    async function stop(): Promise<void> {
      if (alertmanager === undefined) return;
      const ended = new Promise((resolve) => alertmanager?.once("exit", resolve));
      alertmanager.kill();
      await ended;
      alertmanager = undefined;
    }

    test(
      "hears of an alert once, of its end once, and of what came while it was away",
      { timeout: 60_000 },
      async () => {
        const clock = new FakeClock();
        clock.time = Date.now();
        host.write("am", `http://127.0.0.1:${port}\n`);
        const settings = settled({
          host: "goblin",
          alerts: { forSeconds: 0 },
          sinks: { alertmanager: { urlFile: join(host.folder, "am") } },
        });
        const warnings: string[] = [];
        const sinks = sinksOf(settings, host.roots.state, new HttpClient(), (message) =>
          warnings.push(message),
        );
        const collector = collectorOf(host, settings, { clock });
        const monitor = new Monitor(settings, host.roots, collector, clock, () => undefined, sinks);
        const collect = async (availableOfThousand: number): Promise<void> => {
          host.write(
            "proc/meminfo",
            `MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: ${availableOfThousand} kB\nCached: 0 kB\n`,
          );
          clock.seconds += 10;
          clock.time = Date.now();
          await monitor.collect();
          await monitor.told;
        };
        const heard = async (count: number): Promise<string[]> => {
          for (let attempt = 0; notifications.length < count && attempt < 200; attempt++) await sleep(50);
          // What comes twice comes at once.
          await sleep(1500);
          return notifications.flatMap(({ alerts }) =>
            alerts.map(
              ({ status, labels, annotations }) =>
                `${status} ${labels["instance"]} ${annotations["summary"]}`,
            ),
          );
        };

        // It is away when the alert comes.
        await collect(80);
        expect(warnings).toEqual([expect.stringContaining("ECONNREFUSED")]);
        await start();
        await collect(80);
        const raised = "firing goblin High memory usage: 92% (920KB/1000KB)";
        expect(await heard(1)).toEqual([raised]);
        // Told again, with other numbers: it is the same alert.
        await collect(60);
        expect(await heard(1)).toEqual([raised]);
        expect(notifications[0]?.alerts[0]?.labels).toEqual({
          alertname: "memory",
          severity: "warning",
          instance: "goblin",
          job: "ai-resource-monitor",
        });
        await collect(600);
        expect(await heard(2)).toEqual([
          raised,
          expect.stringMatching(/^resolved goblin High memory usage: /),
        ]);
        expect(warnings).toHaveLength(1);
      },
    );
  },
);
