import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import { FieldColorBuilder, FieldColorModeId, type Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import * as statPanel from "@grafana/grafana-foundation-sdk/stat";
import * as timelinePanel from "@grafana/grafana-foundation-sdk/statetimeline";
import * as tablePanel from "@grafana/grafana-foundation-sdk/table";
import * as linesPanel from "@grafana/grafana-foundation-sdk/timeseries";
import { DASHED_LINES } from "./thresholds";
import { DATASOURCE } from "./query";

export type PanelBuilder = Builder<Panel>;
type Query = Builder<Dataquery>;

/** What every panel says of itself. */
export interface About {
  readonly title: string;
  /** What a reader should conclude from it. */
  readonly description: string;
  /** One of the SDK's units. */
  readonly unit: string;
  /** What it says where there is nothing to show. */
  readonly missing: string;
  /** Of the grid's 24 columns. */
  readonly width: number;
  /** Of the grid's rows, of 30 pixels each. Default 8; a number's is 4. */
  readonly height?: number;
}

/** Lines over time. What they are compared with is dashed (thresholds.ts). */
export function lines(about: About, ...queries: Query[]): linesPanel.PanelBuilder {
  const panel = described(new linesPanel.PanelBuilder(), about, queries)
    .min(0)
    .lineWidth(1)
    .fillOpacity(10)
    .showPoints(VisibilityMode.Never)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(legend());
  for (const { regexp, properties } of DASHED_LINES) panel.overrideByRegexp(regexp, [...properties]);
  return panel;
}

/** Parts of a whole over time. */
export function stacked(about: About, ...queries: Query[]): linesPanel.PanelBuilder {
  return lines(about, ...queries)
    .fillOpacity(40)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
}

/** How many there were shortly before each moment. */
export function counts(about: About, ...queries: Query[]): linesPanel.PanelBuilder {
  return lines(about, ...queries)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(60)
    .decimals(0);
}

/** One number, as it is now. */
export function number(about: About, ...queries: Query[]): statPanel.PanelBuilder {
  return described(new statPanel.PanelBuilder(), { height: 4, ...about }, queries)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false).fields(""));
}

/** States over time, a row for each series. */
export function timeline(about: About, ...queries: Query[]): timelinePanel.PanelBuilder {
  return (
    described(new timelinePanel.PanelBuilder(), about, queries)
      .showValue(VisibilityMode.Auto)
      .mergeValues(true)
      // A legend of states, which Grafana leaves out for the gradient that is its default.
      .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
      .legend(legend())
  );
}

export function table(about: About, ...queries: Query[]): tablePanel.PanelBuilder {
  return described(new tablePanel.PanelBuilder(), about, queries);
}

const legend = () =>
  new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([]);

/** What the builders of all kinds of panels have in common, which the SDK has no type for. */
interface AnyPanel<T> extends PanelBuilder {
  title(title: string): T;
  description(description: string): T;
  unit(unit: string): T;
  noValue(text: string): T;
  span(width: number): T;
  height(height: number): T;
  datasource(datasource: typeof DATASOURCE): T;
  targets(queries: Query[]): T;
}

/** The letters by which Grafana tells a panel's queries apart. */
export const REF_IDS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

function described<T extends AnyPanel<T>>(panel: T, about: About, queries: readonly Query[]): T {
  return panel
    .title(about.title)
    .description(about.description)
    .unit(about.unit)
    .noValue(about.missing)
    .span(about.width)
    .height(about.height ?? 8)
    .datasource(DATASOURCE)
    .targets(
      queries.map((query, index) => ({ build: () => ({ ...query.build(), refId: REF_IDS.charAt(index) }) })),
    );
}
