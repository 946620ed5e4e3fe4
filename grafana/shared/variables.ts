import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DATASOURCE, ONE_HOST } from "./query";

const datasource = () =>
  new DatasourceVariableBuilder("datasource")
    .label("Prometheus")
    .description("The Prometheus that scrapes the monitors")
    .type("prometheus");

/** The values of a label. They are asked for again with each other time range: what is silent now was there before. */
function labelValues(name: string, label: string, description: string, series: string, isMany: boolean) {
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    // As Grafana's own editor writes it.
    .query({ qryType: 1, query: `label_values(${series}, ${name})`, refId: "PrometheusVariableQueryEditor" })
    .definition(`label_values(${series}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(isMany)
    .includeAll(isMany);
  return isMany ? variable.current({ selected: true, text: ["All"], value: ["$__all"] }) : variable;
}

const job = (isMany: boolean) =>
  labelValues("job", "Job", "What scrapes the monitors", "airm_build_info", isMany);
const instance = (series: string, isMany: boolean) =>
  labelValues("instance", "Host", "The host, by the address at which it is scraped", series, isMany);

/** One host. */
export const ofOneHost = () => [datasource(), job(false), instance('airm_build_info{job="$job"}', false)];

/** Any of the hosts. */
export const ofHosts = () => [datasource(), job(true), instance('airm_build_info{job=~"$job"}', true)];

/** Any of the host's services. */
export const service = () =>
  labelValues(
    "service",
    "Service",
    "The services that the monitor watches",
    `airm_service_info{${ONE_HOST}}`,
    true,
  );

/** Any of the host's GPUs. */
export const gpu = () =>
  labelValues("gpu", "GPU", "By nvidia-smi's index", `airm_gpu_info{${ONE_HOST}}`, true);
