import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Prometheus, PrometheusSeries } from "./prometheus";

export const DASHBOARDS = join(import.meta.dirname, "../../grafana/dashboards");

/** As far as the tests read Grafana's model. */
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly timezone: string;
  readonly refresh: string;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly annotations: { readonly list?: readonly AnnotationJson[] };
  readonly links: readonly { readonly type: string; readonly tags: readonly string[] }[];
}
export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: object;
  readonly targets?: readonly TargetJson[];
  readonly repeat?: string;
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly noValue?: string; readonly custom?: object };
    readonly overrides: readonly OverrideJson[];
  };
  readonly transformations?: readonly { readonly id: string; readonly options: object }[];
}
export interface OverrideJson {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}
export interface TargetJson {
  readonly refId: string;
  readonly expr: string;
  readonly datasource?: object;
  readonly instant?: boolean;
  readonly legendFormat?: string;
}
export interface VariableJson {
  readonly type: string;
  readonly name: string;
  readonly multi: boolean;
  readonly datasource?: object;
  readonly query: string | { readonly query: string };
}
export interface AnnotationJson {
  readonly name: string;
  readonly expr: string;
  readonly titleFormat: string;
  readonly datasource?: object;
}

/** The files that people import. */
export function readDashboards(): DashboardJson[] {
  return readdirSync(DASHBOARDS)
    .sort()
    .map((file) => JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")) as DashboardJson);
}

/** A query of a dashboard, and where it stands. */
export interface Question {
  readonly where: string;
  readonly expr: string;
  readonly isInstant: boolean;
}

/** Every query of every panel and annotation. */
export function questionsOf({ title, panels, annotations }: DashboardJson): Question[] {
  const ofPanels = panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, expr, instant }) => ({
      where: `${title}: ${panel.title} ${refId}`,
      expr,
      isInstant: instant === true,
    })),
  );
  const ofAnnotations = (annotations.list ?? []).map(({ name, expr }) => ({
    where: `${title}: annotation ${name}`,
    expr,
    isInstant: false,
  }));
  return [...ofPanels, ...ofAnnotations];
}

/** What is chosen of each variable: one value, or a list of them where several can be. */
export type Chosen = ReadonlyMap<string, string | readonly string[]>;

/** Seconds; what Grafana takes these for, for the last three hours of a data source that is scraped each 15 s. */
const BUILT_IN: Readonly<Record<string, string>> = { __rate_interval: "60s", __range: "10800s" };

/**
 * An expression as Grafana's Prometheus data source sends it: one value as the text of a string, several as a regular expression.
 * @throws Error for a variable that nobody has chosen
 */
export function interpolated(expr: string, chosen: Chosen): string {
  return expr.replace(/\$\{(\w+)\}|\$(\w+)/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? "";
    const value = BUILT_IN[name] ?? chosen.get(name);
    if (value === undefined) throw new Error(`there is no variable ${name} for ${expr}`);
    if (typeof value === "string") return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"');
    const values = value.map((one) => one.replace(/[\\^$.*+?()[\]{}|]/g, "\\\\$&"));
    return values.length === 1 ? (values[0] ?? "") : `(${values.join("|")})`;
  });
}

const LABEL_VALUES = /^label_values\((.+), (\w+)\)$/;

/**
 * The variables of a dashboard, each asked for with those before it: of one that has one value that which is preferred, of one that
 * may have several all of them.
 * @throws Error naming a variable without a value
 */
export async function chosenIn(
  { title, templating }: DashboardJson,
  prometheus: Prometheus,
  preferred: Readonly<Record<string, string>>,
): Promise<Chosen> {
  const chosen = new Map<string, string | readonly string[]>();
  for (const { type, name, multi, query } of templating.list) {
    if (type === "datasource") continue;
    const text = typeof query === "string" ? query : query.query;
    const [, series, label] = LABEL_VALUES.exec(text) ?? [];
    if (series === undefined || label === undefined) throw new Error(`${title}: ${name}: what is ${text}?`);
    const values = await prometheus.labelValues(label, interpolated(series, chosen));
    const wanted = preferred[name];
    const one = values.find((value) => wanted === undefined || value === wanted);
    if (one === undefined) throw new Error(`${title}: variable ${name}: ${text} has no ${wanted ?? "value"}`);
    chosen.set(name, multi ? values : one);
  }
  return chosen;
}

/** What an answer has to show: series with a number that is one. */
export function shown(series: readonly PrometheusSeries[]): PrometheusSeries[] {
  return series.filter(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
}

/** What a question is answered: a number now, or a course over the last seconds. */
export async function answered(
  { expr, isInstant }: Question,
  prometheus: Prometheus,
  chosen: Chosen,
): Promise<PrometheusSeries[]> {
  const query = interpolated(expr, chosen);
  if (!isInstant) return shown(await prometheus.range(query, 60));
  const samples = await prometheus.query(query);
  return shown(samples.map(({ metric, value }) => ({ metric, values: [value] })));
}

/** The questions of dashboards that nothing answers: where each stands, and what was asked. */
export async function unanswered(
  dashboards: readonly DashboardJson[],
  prometheus: Prometheus,
  preferred: Readonly<Record<string, string>> = {},
): Promise<{ where: string; query: string }[]> {
  const failures: { where: string; query: string }[] = [];
  for (const dashboard of dashboards) {
    const chosen = await chosenIn(dashboard, prometheus, preferred);
    for (const question of questionsOf(dashboard)) {
      const answer = await answered(question, prometheus, chosen);
      if (answer.length === 0)
        failures.push({ where: question.where, query: interpolated(question.expr, chosen) });
    }
  }
  return failures;
}

/** The labels that legends, columns and annotations name, each with where. */
export function labelsNamed({
  title,
  panels,
  annotations,
}: DashboardJson): { where: string; label: string }[] {
  const named = (where: string, text: string) =>
    [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => ({ where, label }));
  return [
    ...panels.flatMap((panel) => {
      const where = `${title}: ${panel.title}`;
      const columns = (panel.transformations ?? [])
        .filter(({ id }) => id === "filterFieldsByName")
        .flatMap(({ options }) => (options as { include: { names: string[] } }).include.names);
      return [
        ...(panel.targets ?? []).flatMap(({ legendFormat = "" }) => named(where, legendFormat)),
        ...columns.filter((name) => !name.startsWith("Value")).map((label) => ({ where, label })),
      ];
    }),
    ...(annotations.list ?? []).flatMap(({ name, titleFormat }) => named(`${title}: ${name}`, titleFormat)),
  ];
}
