import uPlot from "uplot";
import type { Past } from "../model/document";
import { describePlot, type Line, type Plot, summaryOf, tableOf, valueText } from "../model/plots";
import { h } from "./dom";
import { columnHead } from "./sections";
import { DASHES, type Theme } from "./theme";

const HEIGHT = 170;

/** How much of the past, and where its host's clock stands. */
export interface Range {
  readonly past: Past;
  readonly hours: number;
  readonly utcOffsetMinutes: number | undefined;
}

/** A plot, what it says in words, its legend with last, mean and highest, and the same as a table. */
export class PlotCard {
  readonly element: HTMLElement;
  private readonly canvas: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly table: HTMLElement;
  private readonly note: HTMLElement;
  private chart: uPlot | undefined;

  constructor(title: string) {
    this.canvas = h("div", { class: "canvas", role: "img" });
    this.legend = h("div", { class: "legend" });
    this.note = h("p", { class: "muted" });
    this.table = h("div", { class: "table" });
    const numbers = h("summary", {}, "Numbers", h("span", { class: "hidden" }, ` of ${title}`));
    this.element = h(
      "article",
      { class: "card plot" },
      h("h3", {}, title),
      this.canvas,
      this.legend,
      this.note,
      h("details", {}, numbers, this.table),
    );
  }

  update(plot: Plot, range: Range, theme: Theme): void {
    this.canvas.setAttribute("aria-label", describePlot(plot, range.hours));
    this.legend.replaceChildren(...plot.lines.map((line, index) => legendRow(line, index, plot, theme)));
    if (plot.threshold !== undefined)
      this.legend.append(
        h(
          "div",
          { class: "legend-row" },
          swatch(theme.mark, [2, 3], 1),
          `alert above ${valueText(plot.threshold, plot.unit)}`,
        ),
      );
    this.note.textContent = plot.note ?? "";
    this.note.hidden = plot.note === undefined;
    this.table.replaceChildren(tableElement(plot, range));
    this.dispose();
    this.chart = new uPlot(
      optionsOf(plot, range, theme, this.width()),
      dataOf(plot, range.past),
      this.canvas,
    );
  }

  /** To the width that there is now. */
  resize(): void {
    this.chart?.setSize({ width: this.width(), height: HEIGHT });
  }

  dispose(): void {
    this.chart?.destroy();
    this.chart = undefined;
  }

  private width(): number {
    return Math.max(200, Math.floor(this.canvas.clientWidth));
  }
}

function dataOf({ lines }: Plot, { time }: Past): uPlot.AlignedData {
  return [[...time], ...lines.flatMap(({ mean, max }) => [[...mean], [...(max ?? mean)]])];
}

function optionsOf(
  plot: Plot,
  { past, utcOffsetMinutes }: Range,
  theme: Theme,
  width: number,
): uPlot.Options {
  const range: [number, number] = [Date.parse(past.from) / 1000, Date.parse(past.to) / 1000];
  const axis = {
    stroke: theme.muted,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { show: false },
    font: theme.font,
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => hostDate(seconds, utcOffsetMinutes ?? 0),
    scales: { x: { range: () => range }, y: { range: (_chart, _least, most) => [0, topOf(plot, most)] } },
    axes: [
      { ...axis, space: 60, values: timeLabels },
      { ...axis, size: 46, values: (_chart, ticks) => ticks.map((tick) => valueText(tick, plot.unit)) },
    ],
    series: [{}, ...plot.lines.flatMap((line, index) => seriesOf(line, index, theme))],
    bands: plot.lines.flatMap(({ max }, index) =>
      max === undefined
        ? []
        : [{ series: [2 * index + 2, 2 * index + 1], fill: `${colour(theme, index)}33` }],
    ),
    hooks: {
      draw: [
        (chart) => {
          drawThreshold(chart, plot.threshold, theme);
        },
      ],
    },
  };
}

/** All of it where something comes near to all of it; a hundredth of it is a line to see, too. */
function topOf({ unit, threshold }: Plot, most: number | null): number {
  const highest = Math.max(most ?? 0, threshold ?? 0);
  if (unit === "number") return Math.max(1, highest * 1.1);
  for (const top of [0.05, 0.1, 0.25, 0.5]) if (highest <= top * 0.9) return top;
  return Math.max(1, highest);
}

/** The mean as a line, up to the highest a band of its colour. */
function seriesOf({ label }: Line, index: number, theme: Theme): uPlot.Series[] {
  const stroke = colour(theme, index);
  const dash = [...(DASHES[index] ?? [])];
  const common = { label, points: { show: false }, spanGaps: false };
  return [
    { ...common, stroke, dash, width: 1.75 },
    { ...common, width: 0 },
  ];
}

function drawThreshold(chart: uPlot, threshold: number | undefined, theme: Theme): void {
  if (threshold === undefined) return;
  const { ctx, bbox } = chart;
  const y = chart.valToPos(threshold, "y", true);
  if (y < bbox.top) return;
  ctx.save();
  ctx.strokeStyle = theme.mark;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** A date whose local fields are the host's time, wherever the browser is. */
function hostDate(seconds: number, utcOffsetMinutes: number): Date {
  const moved = new Date((seconds + utcOffsetMinutes * 60) * 1000);
  return new Date(moved.getTime() + moved.getTimezoneOffset() * 60_000);
}

const timeLabels: uPlot.Axis.Values = [
  [86_400, "{MM}-{DD}", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{MM}-{DD}", null, null, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

function legendRow(line: Line, index: number, { unit }: Plot, theme: Theme): HTMLElement {
  const { label, last, mean, max } = summaryOf(line, unit);
  return h(
    "div",
    { class: "legend-row" },
    swatch(colour(theme, index), DASHES[index] ?? [], 2.5),
    h("span", { class: "legend-label" }, label),
    h("span", { class: "muted" }, `last ${last} · mean ${mean} · highest ${max}`),
  );
}

const SVG = "http://www.w3.org/2000/svg";

/** The line as it is drawn: by its dashes, too. */
function swatch(stroke: string, dash: readonly number[], width: number): Node {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "line");
  const put = (element: Element, attributes: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  };
  put(svg, { width: "28", height: "10", "aria-hidden": "true", class: "swatch" });
  put(line, { x1: "0", y1: "5", x2: "28", y2: "5", stroke, "stroke-width": String(width) });
  put(line, { "stroke-dasharray": dash.join(" ") });
  svg.append(line);
  return svg;
}

function tableElement(plot: Plot, { past, utcOffsetMinutes }: Range): HTMLElement {
  const { columns, rows } = tableOf(plot, past, utcOffsetMinutes);
  return h(
    "table",
    {},
    h("caption", { class: "hidden" }, plot.title),
    h("thead", {}, h("tr", {}, ...columns.map(columnHead))),
    h(
      "tbody",
      {},
      ...rows.map(([time = "", ...values]) =>
        h("tr", {}, h("th", { scope: "row" }, time), ...values.map((value) => h("td", {}, value))),
      ),
    ),
  );
}

function colour({ lines }: Theme, index: number): string {
  return lines[index % lines.length] ?? "#888888";
}
