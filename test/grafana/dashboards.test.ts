import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RATES } from "../../components/prometheus/rates";
import { THRESHOLDS_USED } from "../../components/prometheus/thresholds";
import { dashboards, renderDashboard } from "../../grafana";
import { FAMILIES, PREFIX } from "../../monitor/render/prometheus/render";
import {
  type DashboardJson,
  DASHBOARDS,
  interpolated,
  type PanelJson,
  questionsOf,
  readDashboards,
} from "../support/grafana";

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
const ALL = readDashboards();
const byTitle = ALL.map((dashboard) => [dashboard.title, dashboard] as const);
const panelsOf = ({ panels }: DashboardJson) => panels.filter(({ type }) => type !== "row");

test("grafana/dashboards/ is what the code makes, and nothing else (npm run docs)", () => {
  const made = dashboards().map((dashboard) => [`${dashboard.uid ?? ""}.json`, renderDashboard(dashboard)]);
  const files = readdirSync(DASHBOARDS).map((file) => [file, readFileSync(join(DASHBOARDS, file), "utf8")]);
  expect(Object.fromEntries(files)).toEqual(Object.fromEntries(made));
});

test("their names are for ever", () => {
  expect(ALL.map(({ uid, title }) => [uid, title])).toEqual([
    ["airm-alerts", "AI host / Alerts"],
    ["airm-fleet", "AI host / Fleet"],
    ["airm-gpu", "AI host / GPU"],
    ["airm-host", "AI host / Host"],
    ["airm-verdicts", "AI host / Verdicts"],
    ["airm-workloads", "AI host / Workloads"],
  ]);
});

test("docs/grafana.md has each of them with the question that it answers", () => {
  const page = readFileSync(join(DASHBOARDS, "../../docs/grafana.md"), "utf8");
  const table = [...page.matchAll(/^\| \[(.*)\]\(\.\.\/grafana\/dashboards\/(.*)\.json\) \| (.*) \|$/gm)];
  const told = table.map(([, title, uid, question]) => [uid, `AI host / ${title ?? ""}`, question]);
  expect(told.sort()).toEqual(ALL.map(({ uid, title, description }) => [uid, title, description]));
});

describe.each(byTitle)("%s", (_, dashboard) => {
  const panels = panelsOf(dashboard);

  test("refreshes, has the reader's time zone, and links to the others", () => {
    expect(dashboard).toMatchObject({ refresh: "30s", timezone: "browser", tags: ["goblin-host"] });
    expect(dashboard.description).toMatch(/\?$/);
    expect(dashboard.links).toMatchObject([{ type: "dashboards", tags: ["goblin-host"] }]);
    expect(JSON.stringify(dashboard)).not.toContain("inControlsMenu");
  });

  test("each panel has a name, a conclusion, a unit, the chosen Prometheus, and says what is missing", () => {
    expect(panels.length).toBeGreaterThan(3);
    for (const panel of panels) {
      const { unit, noValue } = panel.fieldConfig?.defaults ?? {};
      expect(panel.title, "title").not.toBe("");
      expect(panel.description ?? "", panel.title).toMatch(/^.{20,}[.]$/);
      expect(unit ?? "", panel.title).not.toBe("");
      expect(noValue ?? "", panel.title).not.toBe("");
      expect(panel.datasource, panel.title).toEqual(DATASOURCE);
      expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
      for (const target of panel.targets ?? []) expect(target.datasource, panel.title).toEqual(DATASOURCE);
    }
    for (const { type, name, datasource } of dashboard.templating.list)
      if (type === "query") expect(datasource, name).toEqual(DATASOURCE);
  });

  test("ids and names are each one panel's, letters each one query's", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const names = sectionsOf(dashboard).flatMap(({ title, panels: own }) =>
      own.map((panel) => `${title}: ${panel.title}`),
    );
    expect(new Set(names).size).toBe(names.length);
    for (const { title, targets = [] } of panels)
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
  });

  test("panels lie in the grid, and none on another", () => {
    expect(overlaps(dashboard.panels)).toEqual([]);
    // A row of panels is full, so that nothing stands beside a hole.
    const area = panels.reduce((sum, { gridPos: { w, h } }) => sum + w * h, 0);
    const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
    expect(area).toBe((height - sectionsOf(dashboard).length) * 24);
  });

  test("ratios are percentages of 1, and bytes are 1024-based, in the columns of tables too", () => {
    for (const { title, type, targets = [], fieldConfig, transformations = [] } of panels) {
      const unit = fieldConfig?.defaults.unit;
      const { renameByName = {} } = (transformations.at(-1)?.options ?? {}) as {
        renameByName?: Record<string, string>;
      };
      for (const { refId, expr } of targets) {
        const column = renameByName[targets.length === 1 ? "Value" : `Value #${refId}`];
        const own = fieldConfig?.overrides
          .filter(({ matcher }) => matcher.options === column)
          .flatMap(({ properties }) => properties.filter(({ id }) => id === "unit"));
        const expected = unitOf(expr);
        // A column that is there for its labels shows no number.
        if (expected === undefined || (type === "table" && column === undefined)) continue;
        expect(own?.[0]?.value ?? unit, `${title} ${refId}`).toBe(expected);
      }
    }
  });

  test("a table's columns are its queries' and their labels, and what is said of one is said of one that there is", () => {
    for (const { title, transformations = [], targets = [], fieldConfig } of panels) {
      const [, filter, organize] = transformations;
      if (filter === undefined || organize === undefined) continue;
      const { names } = (filter.options as { include: { names: string[] } }).include;
      const { renameByName } = organize.options as { renameByName: Record<string, string> };
      expect(names, title).toEqual(Object.keys(renameByName));
      const values = targets.length === 1 ? ["Value"] : targets.map(({ refId }) => `Value #${refId}`);
      expect(values, title).toEqual(expect.arrayContaining(names.filter((name) => name.startsWith("Value"))));
      const told = fieldConfig?.overrides.map(({ matcher }) => matcher.options);
      expect(new Set(told), title).toEqual(new Set(Object.values(renameByName)));
    }
  });

  test("one value is compared with =, several with =~, and every variable is used", () => {
    const texts = [
      ...questionsOf(dashboard).map(({ expr }) => expr),
      ...dashboard.templating.list.map(({ query }) => (typeof query === "string" ? query : query.query)),
    ];
    const uses = texts.flatMap((text) => [...text.matchAll(/(=~?)"\$(\w+)"/g)]);
    const variables = dashboard.templating.list.filter(({ type }) => type === "query");
    for (const [, operator, name] of uses)
      expect(operator, name).toBe(variables.find((one) => one.name === name)?.multi === true ? "=~" : "=");
    expect(new Set(uses.map(([, , name]) => name))).toEqual(new Set(variables.map(({ name }) => name)));
  });

  test("asks for metrics and records that there are, and makes none up", () => {
    const known = new Set([
      ...FAMILIES.map(({ name }) => PREFIX + name),
      ...[...RATES, ...THRESHOLDS_USED].map(({ record }) => record),
    ]);
    for (const { where, expr } of questionsOf(dashboard)) {
      const names = [...expr.matchAll(/\bairm[_:][\w:]+/g)].map(([name]) => name);
      expect(
        names.filter((name) => !known.has(name)),
        where,
      ).toEqual([]);
      expect(expr, where).toMatch(/\b(airm[_:]|ALERTS|up)/);
      // That would be data where there is none.
      expect(expr, where).not.toMatch(/vector\(|absent/);
    }
  });

  test("rates that are recorded are not computed again", () => {
    for (const { where, expr } of questionsOf(dashboard)) expect(expr, where).not.toMatch(/\bi?rate\(/);
  });
});

test("a row of the fleet leads to its host", () => {
  const fleet = ALL.find(({ uid }) => uid === "airm-fleet");
  const [table] = panelsOf(fleet as DashboardJson);
  const links = table?.fieldConfig?.overrides.flatMap(({ matcher, properties }) =>
    properties.filter(({ id }) => id === "links").map(({ value }) => [matcher.options, value]),
  );
  expect(links).toMatchObject([
    [
      "Host",
      [
        {
          url: "/d/airm-host?${datasource:queryparam}&var-job=${__data.fields.Job:percentencode}&var-instance=${__data.fields.Host:percentencode}&${__url_time_range}",
        },
      ],
    ],
  ]);
});

test("thresholds are each host's own, drawn as a line", () => {
  const panels = ALL.flatMap(panelsOf);
  const drawn = panels.filter(({ targets = [] }) =>
    targets.some(({ expr }) => /^max.*airm_alert_threshold_ratio/.test(expr)),
  );
  const alerts = drawn
    .filter(({ type }) => type === "timeseries")
    .flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => /threshold_ratio\{alert="(\w+)"/.exec(expr)?.[1] ?? []),
    );
  expect(new Set(alerts)).toEqual(new Set(THRESHOLDS_USED.map(({ labels }) => labels.alert)));
  for (const { title, targets = [], fieldConfig } of drawn.filter(({ type }) => type === "timeseries")) {
    const legend =
      targets.find(({ expr }) => expr.includes("airm_alert_threshold_ratio"))?.legendFormat ?? "";
    const dashed = fieldConfig?.overrides.find(({ properties }) =>
      properties.some(({ id }) => id === "custom.lineStyle"),
    );
    expect(legend, title).toMatch(new RegExp((dashed?.matcher.options ?? "").slice(1, -1)));
  }
});

/** What is shown in another way: in parts, as a ratio, or over more of the time. */
const NOT_SHOWN = [
  "memory_zfs_arc_reclaimable_bytes",
  "filesystem_size_bytes",
  "filesystem_free_bytes",
  "filesystem_readonly",
  "service_cpu_user_seconds_total",
  "service_cpu_system_seconds_total",
  "service_cpu_cfs_throttled_seconds_total",
  "service_cpu_cpuset_cores",
  "service_memory_usage_bytes",
  "service_memory_working_set_bytes",
  "service_prompt_tokens_per_second",
  "service_predicted_tokens_per_second",
  "alert_pending",
  "collections_total",
];

test("what the monitor tells is shown, or is known not to be", () => {
  const asked = ALL.flatMap(questionsOf).map(({ expr }) => expr);
  const recorded = [...RATES, ...THRESHOLDS_USED]
    .filter(({ record }) => asked.some((expr) => expr.includes(record)))
    .map(({ expr }) => expr);
  const names = new Set([...asked, ...recorded].flatMap((expr) => expr.match(/\bairm_\w+/g) ?? []));
  const not = FAMILIES.map(({ name }) => name).filter((name) => !names.has(PREFIX + name));
  expect(not).toEqual(NOT_SHOWN);
});

test("what is recorded is shown", () => {
  const asked = ALL.flatMap(questionsOf).map(({ expr }) => expr);
  const idle = RATES.filter(({ record }) => !asked.some((expr) => expr.includes(record)));
  expect(idle).toEqual([]);
});

describe("the checks themselves", () => {
  test("see a panel on another, and one that is outside", () => {
    const at = (id: number, x: number, y: number): PanelJson => ({
      id,
      type: "stat",
      title: `${id}`,
      gridPos: { x, y, w: 12, h: 4 },
    });
    expect(overlaps([at(1, 0, 0), at(2, 12, 0), at(3, 0, 4)])).toEqual([]);
    expect(overlaps([at(1, 0, 0), at(2, 11, 3)])).toEqual(["1 and 2"]);
    expect(overlaps([at(1, 13, 0)])).toEqual(["1 is outside"]);
  });

  test("interpolate as Grafana does", () => {
    const chosen = new Map<string, string | string[]>([
      ["job", 'a"b\\c'],
      ["instance", ["10.0.0.1:9465", "b"]],
      ["service", ["llama.cpp"]],
    ]);
    expect(interpolated('{a="$job", b=~"${instance}", c=~"$service"}[$__rate_interval]', chosen)).toBe(
      '{a="a\\"b\\\\c", b=~"(10\\\\.0\\\\.0\\\\.1:9465|b)", c=~"llama\\\\.cpp"}[60s]',
    );
    expect(() => interpolated("$gpu", chosen)).toThrow("there is no variable gpu");
  });
});

/** What the name of a metric says of its unit; of a quotient, of a comparison and of a count it says nothing. */
function unitOf(expr: string): string | undefined {
  if (/^(count|time\(\))|\/|== /.test(expr)) return undefined;
  if (/^(topk|max|min|avg)?[^[]*_ratio\b|:ratio\b|airm_limit_enforced/.test(expr)) return "percentunit";
  if (/bytes_per_second/.test(expr)) return "binBps";
  if (/_bytes\b/.test(expr)) return "bytes";
  if (/_celsius\b/.test(expr)) return "celsius";
  if (/_watts\b/.test(expr)) return "watt";
  return undefined;
}

function sectionsOf({ panels }: DashboardJson): { title: string; panels: PanelJson[] }[] {
  const sections: { title: string; panels: PanelJson[] }[] = [];
  for (const panel of panels)
    if (panel.type === "row") sections.push({ title: panel.title, panels: [] });
    else sections.at(-1)?.panels.push(panel);
  return sections;
}

function overlaps(panels: readonly PanelJson[]): string[] {
  const outside = panels
    .filter(({ gridPos: { x, y, w } }) => x < 0 || y < 0 || x + w > 24)
    .map(({ title }) => `${title} is outside`);
  const over = panels.flatMap((one, index) =>
    panels.slice(index + 1).flatMap((other) => {
      const [a, b] = [one.gridPos, other.gridPos];
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      return apart ? [] : [`${one.title} and ${other.title}`];
    }),
  );
  return [...outside, ...over];
}
