import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderPrometheusRules } from "../../../components/prometheus/rules";
import type { Vm } from "../../sandbox/vm";
import { hasApt } from "../../support/debian-programs";
import { readDashboards, unanswered } from "../../support/grafana";
import { Prometheus } from "../../support/prometheus";
import { deploy, get, goTo, machine, SMALL_SIZE } from "../support/machine";
import { MIXED } from "../support/small-host";
import { Tunnel } from "../support/tunnel";

/**
 * What this host cannot have, and why; test/grafana/queries.test.ts has all of it. An answer to one of these is a failure, too.
 */
const NOT_HERE = {
  "the VM has no GPU": ["AI host / Fleet: Hosts L"],
  "the engines are stand-ins: no model is loaded, and nobody counts tokens": [
    "AI host / Fleet: Tokens generated A",
    ...["A", "B", "C", "D", "E"].map((query) => `AI host / Workloads: Loaded models ${query}`),
    ...["Tokens", "Speed of a request", "Slots", "Queue"].flatMap((panel) =>
      ["A", "B"].map((query) => `AI host / Workloads: ${panel} ${query}`),
    ),
    ...["Prompts out of the cache", "Context in use", "Sleep"].map(
      (panel) => `AI host / Workloads: ${panel} A`,
    ),
  ],
  "there is one host, and it answers": ["AI host / Alerts: Silent hosts A"],
};

const JOB = "ai-resource-monitor";

describe.skipIf(!hasApt)("the dashboards on a real host's monitor (skipped without apt)", () => {
  const folder = mkdtempSync(join(tmpdir(), "goblin-dashboards-"));
  let vm: Vm;
  let tunnel: Tunnel | undefined;
  let prometheus: Prometheus | undefined;

  beforeAll(async () => {
    vm = machine(SMALL_SIZE);
    await goTo(vm, "applied", MIXED);
    await deploy(vm, "up", {
      secrets: ["goblin-host:monitorCredentials"],
      overrides: {
        ...MIXED,
        "goblin-host:monitor.alerts.for": "1s",
        // Nobody listens there: what fails is counted.
        "goblin-host:monitorCredentials.webhook": "http://127.0.0.1:9099/",
      },
    });
    tunnel = await Tunnel.open(vm);
    // Long enough that what is pending stays so.
    writeFileSync(join(folder, "rules.yml"), renderPrometheusRules({ for: "1h" }));
    prometheus = await Prometheus.start({
      global: { scrape_interval: "5s", scrape_timeout: "5s", evaluation_interval: "5s" },
      rule_files: [join(folder, "rules.yml")],
      scrape_configs: [{ job_name: JOB, static_configs: [{ targets: [`127.0.0.1:${tunnel.port}`] }] }],
    });
  });
  afterAll(() => {
    prometheus?.stop();
    tunnel?.close();
    rmSync(folder, { recursive: true });
  });

  it("answer every query, but for those that this host cannot have", async () => {
    if (prometheus === undefined) throw new Error("there is no Prometheus");
    await prometheus.answer(`up{job="${JOB}"} == 1`, 60);
    // A quota that holds back, drift, and a service that is down, whose limits then hold nothing back.
    await get(vm, 8080, "/burn?seconds=600");
    await vm.run(
      `for i in 1 2 3; do
        systemctl stop local-llm-proxy; sysctl -qw vm.swappiness=60
        systemctl start ai-resource-manager || true
        grep -qs '"exitCode": 3' /run/ai-resource-manager/last-verify.json && exit
      done
      cat /run/ai-resource-manager/last-verify.json; exit 1`,
      { timeoutSeconds: 900 },
    );
    for (const condition of [
      'ALERTS{alertname="AirmVerification", alertstate="firing"}',
      'ALERTS{alertname="AirmServiceDown", alertstate="pending"}',
      "airm_alert_firing == 1",
      "airm_limit_enforced == 0",
      "airm:service_cpu_throttled:ratio > 0",
      'increase(airm_alert_notifications_total{sink="webhook", outcome="failed"}[1m]) > 0',
    ])
      await prometheus.answer(condition, 240);

    const here = readDashboards().filter(({ uid }) => uid !== "airm-gpu");
    expect(await prometheus.query("airm_gpu_info")).toEqual([]);
    const missing = await unanswered(here, prometheus);
    const unexpected = missing.filter(({ where }) => !Object.values(NOT_HERE).flat().includes(where));
    expect(unexpected).toEqual([]);
    expect(missing.map(({ where }) => where).sort()).toEqual(Object.values(NOT_HERE).flat().sort());
  });

  it("show what the host's own tools say", async () => {
    if (prometheus === undefined) throw new Error("there is no Prometheus");
    const number = async (query: string): Promise<number> =>
      Number((await prometheus?.answer(query))?.[0]?.value[1]);
    const kilobytes = Number(await vm.run("sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo"));
    expect(await number("airm_memory_total_bytes")).toBe(kilobytes * 1024);
    expect(await number("airm_cpu_online")).toBe(Number(await vm.run("nproc")));
    // One core would be at work, of which the quota is half; the rate's time takes in some that was before.
    let cores = 0;
    for (let left = 60; left > 0 && cores <= 0.05; left--) {
      await sleep(2000);
      cores = await number('airm:service_cpu:cores{service="llamacpp"}');
    }
    expect(cores).toBeGreaterThan(0.05);
    expect(cores).toBeLessThan(0.6);
    expect(await number('airm_service_memory_limit_bytes{service="llamacpp"}')).toBe(192 * 1024 ** 2);
  });
});
