import type { Bar } from "../model/bars";
import { percentText } from "../model/words";
import { h, withProperty } from "./dom";

/** A bar with the mark above which somebody is told. What is not measured has no bar, and says why. */
export function barElement({ label, ratio, text, notes, threshold }: Bar): HTMLElement {
  const isAbove = ratio !== undefined && threshold !== undefined && ratio > threshold;
  const limit = threshold === undefined ? undefined : `alert above ${percentText(threshold) ?? ""}`;
  const about = [...notes, ...(limit === undefined ? [] : [limit])].join(" · ");
  return h(
    "div",
    { class: isAbove ? "bar above" : ratio === undefined ? "bar unknown" : "bar" },
    h(
      "div",
      { class: "bar-head" },
      h("span", { class: "bar-label" }, label),
      h("span", { class: "bar-value" }, isAbove ? `▲ ${text}` : text),
    ),
    ratio === undefined ? undefined : meter(label, ratio, text, threshold, about),
    about === "" ? undefined : h("div", { class: "bar-notes" }, about),
  );
}

function meter(
  label: string,
  ratio: number,
  text: string,
  threshold: number | undefined,
  about: string,
): HTMLElement {
  const track = h(
    "div",
    {
      class: "meter",
      role: "meter",
      "aria-label": label,
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      "aria-valuenow": String(Math.min(100, Math.floor(ratio * 100 + 1e-9))),
      "aria-valuetext": about === "" ? text : `${text}, ${about.replaceAll(" · ", ", ")}`,
    },
    withProperty(h("div", { class: "fill" }), "--share", share(ratio)),
  );
  if (threshold !== undefined)
    track.append(withProperty(h("div", { class: "mark" }), "--share", share(threshold)));
  return track;
}

const share = (ratio: number): string => `${(Math.min(1, Math.max(0, ratio)) * 100).toFixed(2)}%`;
