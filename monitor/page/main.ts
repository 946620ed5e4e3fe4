import { hostBars } from "./model/bars";
import { type Metrics, type Past, readMetrics, readPast } from "./model/document";
import { alertViews, deploymentText, noVerdicts, verdictViews, verificationText } from "./model/notices";
import { pauseSeconds } from "./model/pause";
import { plotsOf } from "./model/plots";
import { modelViews, noModels, noServices, serviceViews } from "./model/services";
import { type Problem, stateOf } from "./model/state";
import { durationText, failureOf, hostTime, notAvailable, plain, zoneText } from "./model/words";
import { type Answer, ask, Repeater } from "./poll";
import { barElement } from "./view/bar";
import { byId, h, show } from "./view/dom";
import { PlotCard } from "./view/plot";
import {
  alertElement,
  list,
  modelsElement,
  serviceElement,
  sign,
  stateElements,
  verdictElement,
} from "./view/sections";
import { currentTheme, onThemeChange } from "./view/theme";

const USUAL_SECONDS = 10;
const PAST_SECONDS = 60;
const PAST_TIMEOUT = 60_000;
const HOURS = [1, 6, 24, 168] as const;

/** The page: what was last seen, and what of it stands there. */
class App {
  private metrics: Metrics | undefined;
  /** When it was read, by a clock that nobody sets and by one that a machine's sleep does not stop, and how old it was then. */
  private seen: { readonly at: number; readonly time: number; readonly ageSeconds: number } | undefined;
  private problem: string | undefined;
  private failures = 0;
  private past: Past | undefined;
  private pastProblem: string | undefined;
  private pastFailures = 0;
  private hours: number = hoursFromAddress();
  private readonly plots = new Map<string, PlotCard>();
  private readonly present = new Repeater(() => this.readPresent());
  private readonly history = new Repeater(() => this.readHistory());

  start(): void {
    this.rangeButtons();
    onThemeChange(() => {
      this.showPast();
    });
    new ResizeObserver(() => {
      for (const plot of this.plots.values()) plot.resize();
    }).observe(byId("plots"));
    setInterval(() => {
      if (!document.hidden) this.showAge();
    }, 1000);
    this.showState();
    void this.present.now().then(() => this.history.now());
  }

  private async readPresent(): Promise<number> {
    const answer = await ask("json");
    if (this.take(answer)) this.failures = 0;
    else this.failures += 1;
    this.showState();
    this.showAge();
    return pauseSeconds(this.metrics?.intervalSeconds ?? USUAL_SECONDS, this.failures);
  }

  private take(answer: Answer): boolean {
    if ("problem" in answer) {
      this.problem = answer.problem;
      return false;
    }
    let metrics: Metrics;
    try {
      metrics = readMetrics(answer.text);
      const before = this.metrics?.version;
      // Another monitor brings another page.
      if (before !== undefined && before !== null && metrics.version !== before) location.reload();
      this.showMetrics(metrics);
    } catch (error) {
      this.problem = `what the monitor has answered cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
      return false;
    }
    this.metrics = metrics;
    const ageSeconds = ((answer.serverTime ?? Date.now()) - Date.parse(metrics.time)) / 1000;
    this.seen = { at: answer.receivedAt, time: Date.now(), ageSeconds: Math.max(0, ageSeconds) };
    const wasBlind = this.problem !== undefined;
    this.problem = undefined;
    if (wasBlind && this.past !== undefined) void this.history.now();
    return true;
  }

  private async readHistory(): Promise<number> {
    const { hours } = this;
    const answer = await ask(`history?hours=${hours}`, PAST_TIMEOUT);
    if (hours !== this.hours) return 0;
    if ("problem" in answer) this.pastProblem = answer.problem;
    else {
      try {
        this.past = readPast(answer.text);
        this.pastProblem = undefined;
      } catch (error) {
        this.pastProblem = error instanceof Error ? error.message : String(error);
      }
    }
    this.pastFailures = this.pastProblem === undefined ? 0 : this.pastFailures + 1;
    this.showPast();
    return this.pastFailures === 0 ? PAST_SECONDS : pauseSeconds(1, this.pastFailures);
  }

  private ageSeconds(): number | undefined {
    if (this.seen === undefined) return undefined;
    const { at, time, ageSeconds } = this.seen;
    return ageSeconds + Math.max(performance.now() - at, Date.now() - time) / 1000;
  }

  private showState(): void {
    const problem: Problem | undefined =
      this.problem === undefined ? undefined : { text: this.problem, forSeconds: this.ageSeconds() };
    const state = stateOf(this.metrics, problem);
    const host = this.metrics?.host ?? location.hostname;
    document.title = `${state.level === "good" ? "" : `${state.headline} · `}${plain(host)}`;
    document.documentElement.dataset["level"] = state.level;
    show(byId("host"), new Text(plain(host)));
    show(byId("state"), ...stateElements(state));
  }

  /** Out of the live region: nobody wants to hear it each second. */
  private showAge(): void {
    const age = this.ageSeconds();
    if (this.metrics === undefined || age === undefined) return;
    const { time, utcOffsetMinutes } = this.metrics;
    const collected = hostTime(time, utcOffsetMinutes) ?? "an unknown time";
    byId("age").textContent =
      `Collected ${collected} ${zoneText(utcOffsetMinutes)}, the host's time · ${durationText(age)} ago`;
  }

  private showMetrics(metrics: Metrics): void {
    const alerts = alertViews(metrics);
    show(
      byId("alerts"),
      alerts.length === 0
        ? h("p", { class: "muted" }, "None fires.")
        : h("ul", { class: "alerts" }, ...alerts.map(alertElement)),
    );
    show(byId("bars"), ...hostBars(metrics).map((bar) => h("div", { class: "card" }, barElement(bar))));
    const none = noServices(metrics);
    show(
      byId("services"),
      ...(none === undefined ? serviceViews(metrics).map(serviceElement) : [note(none)]),
    );
    const models = modelViews(metrics);
    show(byId("models"), models.length === 0 ? note(noModels(metrics)) : modelsElement(models));
    const verdicts = verdictViews(metrics);
    show(
      byId("verdicts"),
      ...(verdicts.length === 0 ? [note(noVerdicts(metrics))] : verdicts.map(verdictElement)),
    );
    const verification = verificationText(metrics);
    show(
      byId("deployment"),
      h("div", { class: "fact" }, h("dt", {}, "Deployment"), h("dd", {}, deploymentText(metrics))),
      h(
        "div",
        { class: verification.isBad ? "fact bad" : "fact" },
        h("dt", {}, "Drift"),
        h("dd", {}, verification.isBad ? "▲ " : "", verification.text),
      ),
    );
    const lines = metrics.alertLog;
    const log =
      lines === undefined || lines === null
        ? note(notAvailable(failureOf(metrics, "alerts.log")))
        : lines.length === 0
          ? note("no lines yet")
          : list("log", [...lines].reverse());
    show(byId("log"), log);
    byId("version").textContent = metrics.version ?? "";
  }

  private showPast(): void {
    const problem = byId("past-problem");
    problem.hidden = this.pastProblem === undefined;
    if (this.pastProblem !== undefined)
      show(problem, sign("blind"), new Text(plain(`Not all of the past is here: ${this.pastProblem}`)));
    if (this.past === undefined) return;
    const { past, hours } = this;
    const plots = plotsOf(past, this.metrics);
    const empty = byId("past-empty");
    empty.hidden = plots.length > 0;
    const utcOffsetMinutes = this.metrics?.utcOffsetMinutes ?? undefined;
    const theme = currentTheme();
    for (const [id, card] of this.plots) {
      if (plots.some((plot) => plot.id === id)) continue;
      card.dispose();
      card.element.remove();
      this.plots.delete(id);
    }
    plots.forEach((plot, index) => {
      const card = this.plots.get(plot.id) ?? new PlotCard(plot.title);
      this.plots.set(plot.id, card);
      const parent = byId("plots");
      if (parent.children[index] !== card.element)
        parent.insertBefore(card.element, parent.children[index] ?? null);
    });
    // After all stand there: their width is only then known.
    for (const plot of plots) this.plots.get(plot.id)?.update(plot, { past, hours, utcOffsetMinutes }, theme);
  }

  private rangeButtons(): void {
    const buttons = HOURS.map((hours) => {
      const text = hours === 168 ? "7 days" : `${hours} h`;
      const button = h("button", { type: "button", "aria-pressed": String(hours === this.hours) }, text);
      button.addEventListener("click", () => {
        this.hours = hours;
        history.replaceState(null, "", `#${hours}h`);
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        void this.history.now();
      });
      return button;
    });
    byId("ranges").append(...buttons);
  }
}

function note(text: string): HTMLElement {
  return h("p", { class: "muted" }, text);
}

/** `#24h`, so that a page that is loaded again shows the same. */
function hoursFromAddress(): number {
  const hours = Number(/^#([0-9]{1,3})h$/.exec(location.hash)?.[1] ?? 6);
  return HOURS.find((known) => known === hours) ?? 6;
}

new App().start();
