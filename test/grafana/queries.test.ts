import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderPrometheusRules } from "../../components/prometheus/rules";
import { buildMonitor } from "../../scripts/build-monitor";
import { hasApt } from "../support/debian-programs";
import { chosenIn, labelsNamed, questionsOf, readDashboards, unanswered } from "../support/grafana";
import { Prometheus } from "../support/prometheus";
import { DashboardHost } from "./dashboard-host";

const JOB = "ai-resource-monitor";
/** Long enough for all questions to be asked while one alert is pending. */
const FOR_SECONDS = 20;

describe.skipIf(!hasApt)("the dashboards' queries on a real Prometheus (skipped without apt)", () => {
  const folder = mkdtempSync(join(tmpdir(), "airm-grafana-"));
  const dashboards = readDashboards();
  let host: DashboardHost;
  let frozen: DashboardHost;
  let prometheus: Prometheus;
  const ending: (() => unknown)[] = [];

  beforeAll(async () => {
    const bundle = await buildMonitor(folder);
    host = new DashboardHost(bundle);
    frozen = new DashboardHost(bundle);
    ending.push(
      () => host.dispose(),
      () => frozen.dispose(),
    );
    await Promise.all([host.start(), frozen.start()]);
    writeFileSync(join(folder, "rules.yml"), renderPrometheusRules({ for: `${FOR_SECONDS}s` }));
    prometheus = await Prometheus.start({
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
      rule_files: [join(folder, "rules.yml")],
      scrape_configs: [{ job_name: JOB, static_configs: [{ targets: [host.address, frozen.address] }] }],
    });
    ending.push(() => {
      prometheus.stop();
    });
    // A host that was there, and is silent.
    await prometheus.answer(`count(airm_build_info{job="${JOB}"}) == 2`);
    await frozen.page.stop();
    await prometheus.answer('ALERTS{alertname="AirmSilence", alertstate="firing"}', 3 * FOR_SECONDS);
    host.fillMemory();
    await prometheus.answer('ALERTS{alertname="AirmMemory", alertstate="pending"}');
  }, 180_000);
  afterAll(async () => {
    for (const end of ending.reverse()) await end();
    rmSync(folder, { recursive: true });
  });

  const ofThisHost = () => ({ job: JOB, instance: host.address });

  test("each of them is answered with data", { timeout: 60_000 }, async () => {
    const asked = dashboards.flatMap(questionsOf).length;
    expect(asked).toBeGreaterThan(150);
    expect(await unanswered(dashboards, prometheus, ofThisHost())).toEqual([]);
  });

  test("every label that a legend or a column names is one that there is", async () => {
    const known = new Set(await prometheus.labels());
    const named = dashboards.flatMap(labelsNamed);
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ label }) => !known.has(label))).toEqual([]);
  });

  test("the variables offer what there is", async () => {
    const [fleet, workloads] = ["airm-fleet", "airm-workloads"].map((uid) =>
      dashboards.find((dashboard) => dashboard.uid === uid),
    );
    if (fleet === undefined || workloads === undefined) throw new Error("there are no dashboards");
    expect(Object.fromEntries(await chosenIn(fleet, prometheus, {}))).toEqual({
      job: [JOB],
      instance: [host.address, frozen.address].sort(),
    });
    expect(Object.fromEntries(await chosenIn(workloads, prometheus, ofThisHost()))).toEqual({
      ...ofThisHost(),
      service: ["llamacpp", "local-llm-proxy", "ollama"],
    });
  });

  test("one without data is found, by its panel and what was asked", async () => {
    const [dashboard] = dashboards;
    if (dashboard === undefined) throw new Error("there are no dashboards");
    const target = { refId: "A", expr: 'airm_memory_used_ratio{instance=~"$instance"} > 2' };
    const gridPos = { x: 0, y: 0, w: 24, h: 8 };
    const broken = {
      ...dashboard,
      panels: [{ id: 1, type: "stat", title: "Nothing", gridPos, targets: [target] }],
    };
    expect(await unanswered([broken], prometheus, ofThisHost())).toEqual([
      {
        where: "AI host / Alerts: Nothing A",
        query: expect.stringMatching(/^airm_memory_used_ratio\{.*127.*\} > 2$/) as string,
      },
    ]);
    const notANumber = { ...target, expr: "0 * airm_memory_used_ratio / 0" };
    const empty = {
      ...dashboard,
      panels: [{ id: 1, type: "stat", title: "NaN", gridPos, targets: [notANumber] }],
    };
    expect(await unanswered([empty], prometheus, ofThisHost())).toHaveLength(1);
    await expect(unanswered([broken], prometheus, { instance: "nobody" })).rejects.toThrow(
      "AI host / Alerts: variable instance: label_values(airm_build_info{job=~",
    );
  });
});
