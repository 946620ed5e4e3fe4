import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { ThresholdsConfig, ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";
import type { PanelBuilder } from "@grafana/grafana-foundation-sdk/table";
import { REF_IDS } from "./panels";

/** What is missing in one row is no reason to say in each cell what may be missing in all. */
const NOTHING = { id: "noValue", value: "–" };

/** How the values of one query look as a column. */
export interface Column {
  readonly name: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly mappings?: ValueMapping[];
  /** Colors its numbers. */
  readonly thresholds?: Builder<ThresholdsConfig>;
}

/**
 * One row for all that has the same labels, with a column for each query: Grafana's "merge", then names and an order. Labels that
 * are not named are hidden.
 * @param labels what they are called, in the order of their columns
 * @param columns one for each query, in their order; undefined for one that is there for its labels alone
 */
export function joined(
  panel: PanelBuilder,
  labels: Readonly<Record<string, string>>,
  columns: readonly (Column | undefined)[],
): PanelBuilder {
  // With one query there is no letter.
  const fieldOf = (index: number) => (columns.length === 1 ? "Value" : `Value #${REF_IDS.charAt(index)}`);
  const shown = columns.flatMap((column, index) =>
    column === undefined ? [] : [[fieldOf(index), column] as const],
  );
  const names = [...Object.keys(labels), ...shown.map(([field]) => field)];
  panel
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "filterFieldsByName", options: { include: { names } } })
    .withTransformation({
      id: "organize",
      options: {
        indexByName: Object.fromEntries(names.map((name, index) => [name, index])),
        renameByName: { ...labels, ...Object.fromEntries(shown.map(([field, { name }]) => [field, name])) },
      },
    });
  for (const name of Object.values(labels)) panel.overrideByName(name, [NOTHING]);
  for (const [, { name, unit, decimals, mappings, thresholds }] of shown) {
    const isColored = mappings !== undefined || thresholds !== undefined;
    const properties: [string, unknown][] = [
      ["unit", unit],
      ["decimals", decimals],
      ["mappings", mappings],
      ["thresholds", thresholds?.build()],
      ["custom.cellOptions", isColored ? { type: "color-text" } : undefined],
    ];
    panel.overrideByName(name, [
      NOTHING,
      ...properties.flatMap(([id, value]) => (value === undefined ? [] : [{ id, value }])),
    ]);
  }
  return panel;
}
