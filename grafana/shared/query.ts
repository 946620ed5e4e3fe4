import {
  DataqueryBuilder,
  PromQueryFormat,
  QueryEditorMode,
} from "@grafana/grafana-foundation-sdk/prometheus";

/** The Prometheus that is chosen above each dashboard. */
export const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

/** Of the one host that is chosen: `job` and `instance` have one value. */
export const ONE_HOST = 'job="$job", instance="$instance"';
/** Of all hosts that are chosen. */
export const HOSTS = 'job=~"$job", instance=~"$instance"';
/** Of the chosen services of the one host. */
export const SERVICES = `${ONE_HOST}, service=~"$service"`;

const prometheus = (expr: string) =>
  new DataqueryBuilder().datasource(DATASOURCE).editorMode(QueryEditorMode.Code).expr(expr);

/** A line for each series. `legend` has labels as `{{label}}`. */
export const line = (expr: string, legend: string) => prometheus(expr).range().legendFormat(legend);

/** What is so now. */
export const now = (expr: string, legend: string) => prometheus(expr).instant().legendFormat(legend);

/** A row of a table for each series: a column for each label, and one for the value. */
export const rows = (expr: string) => prometheus(expr).instant().format(PromQueryFormat.Table);
