import type { AlertView, VerdictView } from "../model/notices";
import type { ModelView, ServiceView } from "../model/services";
import type { State } from "../model/state";
import { counted } from "../model/words";
import { barElement } from "./bar";
import { h } from "./dom";

/** By shape too, not by colour alone. */
const SIGNS: Readonly<Record<string, string>> = {
  waiting: "…",
  good: "✓",
  warning: "▲",
  critical: "✖",
  blind: "?",
  pending: "◷",
  running: "✓",
  down: "✖",
  unknown: "?",
};

export function sign(name: string): HTMLElement {
  return h("span", { class: `sign ${name}`, "aria-hidden": "true" }, SIGNS[name] ?? "");
}

export function stateElements({ level, headline, details }: State): HTMLElement[] {
  return [
    h("p", { class: "headline" }, sign(level), h("span", {}, headline)),
    ...(details.length === 0 ? [] : [list("details", details)]),
  ];
}

export function alertElement({ message, kind, about }: AlertView): HTMLElement {
  return h(
    "li",
    { class: `alert ${kind}` },
    sign(kind),
    h("div", {}, h("strong", {}, message), h("div", { class: "muted" }, about)),
  );
}

export function serviceElement({ name, about, state, stateText, bars, facts }: ServiceView): HTMLElement {
  return h(
    "article",
    { class: `card service ${state}` },
    h("h3", {}, name),
    h("p", { class: "service-state" }, sign(state), h("span", {}, stateText)),
    about === "" ? undefined : h("p", { class: "muted about" }, about),
    ...bars.map(barElement),
    h(
      "dl",
      { class: "facts" },
      ...facts.map((fact) =>
        h(
          "div",
          { class: fact.isBad ? "fact bad" : "fact" },
          h("dt", {}, fact.name),
          h("dd", {}, fact.isBad ? `▲ ${fact.value}` : fact.value),
        ),
      ),
    ),
  );
}

export function modelsElement(models: readonly ModelView[]): HTMLElement {
  const cell = (label: string, value: string) => h("td", { "data-label": label }, value);
  return h(
    "table",
    { class: "models" },
    h("caption", { class: "hidden" }, "Models that are loaded"),
    h("thead", {}, h("tr", {}, ...["Model", "Service", "Memory", "VRAM", "Context"].map(columnHead))),
    h(
      "tbody",
      {},
      ...models.map(({ name, service, memory, vram, context }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          cell("Service", service),
          cell("Memory", memory),
          cell("VRAM", vram),
          cell("Context", context),
        ),
      ),
    ),
  );
}

export function columnHead(text: string): HTMLElement {
  return h("th", { scope: "col" }, text);
}

export function verdictElement({ service, summary, limits }: VerdictView): HTMLElement {
  const loose = limits.filter(({ isBad }) => isBad);
  return h(
    "article",
    { class: "card" },
    h("h3", {}, service),
    h("p", {}, sign(loose.length === 0 ? "good" : "warning"), summary),
    h(
      "details",
      {},
      h(
        "summary",
        {},
        counted(limits.length, "limit"),
        // A page of a screen reader lists them without what is around.
        h("span", { class: "hidden" }, ` of ${service}`),
      ),
      h(
        "ul",
        { class: "limits" },
        ...limits.map(({ limit, verdict, isBad }) =>
          h("li", { class: isBad ? "bad" : "" }, `${limit}: `, h("strong", {}, verdict)),
        ),
      ),
    ),
  );
}

export function list(className: string, texts: readonly string[]): HTMLElement {
  return h("ul", { class: className }, ...texts.map((text) => h("li", {}, text)));
}
