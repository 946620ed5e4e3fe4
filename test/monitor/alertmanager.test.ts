import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sinksOf } from "../../monitor/delivery/sinks";
import { HttpClient } from "../../monitor/host/http";
import { Monitor } from "../../monitor/monitor";
import { Alertmanager } from "../support/alertmanager";
import { mayOverlay } from "../support/debian-programs";
import { collectorOf, FakeClock, FixtureHost, settled } from "./fixture-host";

describe.skipIf(!mayOverlay)(
  "a real Alertmanager (skipped where its package cannot be unpacked and laid over /usr)",
  () => {
    const host = new FixtureHost();
    let alertmanager: Alertmanager;

    beforeAll(async () => {
      alertmanager = await Alertmanager.prepare();
    }, 120_000);
    afterAll(async () => {
      await alertmanager.dispose();
      host.dispose();
    });

    test(
      "hears of an alert once, of its end once, and of what came while it was away",
      { timeout: 60_000 },
      async () => {
        const clock = new FakeClock();
        clock.time = Date.now();
        host.write("am", `${alertmanager.url}\n`);
        const { notifications } = alertmanager;
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
        await alertmanager.start();
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
