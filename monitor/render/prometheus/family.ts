import type { Report } from "../../report/report";
import type { ServiceUsage } from "../../report/usage";

export type Labels = Readonly<Record<string, string>>;
/** A value with its labels; undefined is no sample, never 0. */
export type Sample = readonly [Labels, number | undefined];

/** One metric: its name without the prefix, and how its samples come out of a report. */
export interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly samples: (report: Report) => readonly Sample[];
}

const NO_LABELS: Labels = {};

/** A metric without labels. */
export function single(
  type: Family["type"],
  name: string,
  help: string,
  value: (report: Report) => number | undefined,
): Family {
  return { name, type, help, samples: (report) => [[NO_LABELS, value(report)]] };
}

/** A metric with labels. */
export function labelled(
  type: Family["type"],
  name: string,
  help: string,
  samples: (report: Report) => readonly Sample[],
): Family {
  return { name, type, help, samples };
}

/** The one object of each service: what is told with the same labels is written with them once (render.ts). */
const LABELS_OF_SERVICES = new Map<string, Labels>();

function labelsOfService(service: string): Labels {
  let labels = LABELS_OF_SERVICES.get(service);
  if (labels === undefined) LABELS_OF_SERVICES.set(service, (labels = { service }));
  return labels;
}

/** A metric with a sample for each service that has it. */
export function each(
  type: Family["type"],
  name: string,
  help: string,
  value: (service: ServiceUsage) => number | undefined,
): Family {
  return labelled(type, `service_${name}`, help, ({ usage }) =>
    (usage.services ?? []).map((service) => [labelsOfService(service.sample.name), value(service)]),
  );
}
