import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { Alertmanager } from "../../support/alertmanager";
import { Bugsink } from "../../support/bugsink";
import { mayOverlay } from "../../support/debian-programs";
import { freePort } from "../../support/free-port";
import { withoutPython } from "../../support/python-programs";
import { Webhook } from "../../support/webhook";
import { deploy, get, goTo, machine, SMALL_SIZE } from "../support/machine";
import { MIXED } from "../support/small-host";
import { WayBack } from "../support/tunnel";

/** Of its limit of 256 MiB ollama then takes 78%. */
const LOAD = "/allocate?mib=200";
const SERVICE_THRESHOLD = 70;

/** Long enough that what is told twice has come. */
const AFTER_MILLISECONDS = 30_000;

describe.skipIf(!mayOverlay || withoutPython !== undefined)(
  "a real load on a host (skipped where Debian's Alertmanager or Bugsink cannot be had)",
  () => {
    let vm: Vm;
    let alertmanager: Alertmanager;
    let bugsink: Bugsink;
    let webhook: Webhook;
    let wayBack: WayBack;

    beforeAll(async () => {
      vm = machine(SMALL_SIZE);
      alertmanager = await Alertmanager.prepare();
      await alertmanager.start();
      const sentryPort = await freePort();
      bugsink = new Bugsink(sentryPort);
      await bugsink.prepare();
      await bugsink.start();
      webhook = await Webhook.start();
      await goTo(vm, "applied", MIXED);
      wayBack = await WayBack.open(vm, [alertmanager.port, sentryPort, webhook.port]);
      await deploy(vm, "up", {
        secrets: ["goblin-host:monitorCredentials"],
        overrides: {
          ...MIXED,
          "goblin-host:thresholds.service": SERVICE_THRESHOLD,
          "goblin-host:monitor.alerts.for": "1s",
          "goblin-host:monitorCredentials": {
            alertmanager: alertmanager.url,
            sentry: bugsink.dsn,
            webhook: `http://127.0.0.1:${webhook.port}/alerts`,
          },
        },
      });
    }, 1_200_000);
    afterAll(async () => {
      wayBack.close();
      webhook.stop();
      await bugsink.dispose();
      await alertmanager.dispose();
    });

    /** What each was told of ollama's memory, in order. */
    const told = async (): Promise<Record<"alertmanager" | "sentry" | "webhook", string[]>> => ({
      alertmanager: alertmanager.notifications.flatMap(({ alerts }) =>
        alerts.flatMap(({ status, labels: { alertname, service } }) =>
          alertname === "service_memory" && service === "ollama" ? [status] : [],
        ),
      ),
      sentry: (await bugsink.events()).flatMap(({ data }) => {
        const { alert, service, status } = data["tags"] as Record<string, string | undefined>;
        return alert === "service_memory" && service === "ollama" ? [status ?? ""] : [];
      }),
      webhook: webhook.posted.flatMap(({ body }) =>
        body.includes("Service ollama memory usage") ? [/"status":\s*"(\w+)"/.exec(body)?.[1] ?? body] : [],
      ),
    });

    const untilAllAreTold = async (wanted: readonly string[]): Promise<void> => {
      const each = { alertmanager: wanted, sentry: wanted, webhook: wanted };
      for (let left = 90; left > 0; left--) {
        if (Object.values(await told()).every(({ length }) => length >= wanted.length)) break;
        await sleep(2000);
      }
      await sleep(AFTER_MILLISECONDS);
      expect(await told()).toEqual(each);
    };

    it("is told to Alertmanager, Sentry's receiver and a webhook once each, and so is its end", async () => {
      await get(vm, 11434, LOAD);
      await untilAllAreTold(["firing"]);
      await get(vm, 11434, "/release");
      await untilAllAreTold(["firing", "resolved"]);
      const counted = await vm.run(
        "ai-resource-monitor --prometheus | grep '^airm_alert_notifications_total'",
      );
      for (const sink of ["alertmanager", "sentry", "webhook"])
        expect(counted).toMatch(new RegExp(`sink="${sink}",outcome="delivered"} [1-9]`));
      expect(counted).not.toMatch(/outcome="(failed|refused)"} [1-9]/);
    });
  },
);
