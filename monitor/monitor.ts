import { hostname } from "node:os";
import { join } from "node:path";
import type { AlertInput } from "./alerts/condition";
import { Conditions } from "./alerts/conditions";
import { AlertLog, renderLogLine } from "./alerts/log";
import { type AlertBook, type AlertEvent, stepAlerts } from "./alerts/machine";
import { AlertStore } from "./alerts/store";
import type { CollectorState } from "./collectors/collector";
import { readBootId } from "./collectors/boot";
import type { SettledConfig } from "./config/schema";
import { Delivery } from "./delivery/delivery";
import type { Sink } from "./delivery/sink";
import type { Clock } from "./host/clock";
import { errorText, readText } from "./host/files";
import type { Roots } from "./host/roots";
import { CounterStore } from "./output/counters";
import { DeploymentReports } from "./output/deployment-reports";
import { History } from "./output/history";
import { type Outputs, renderOutputs, writeOutputs } from "./output/outputs";
import { readRequest } from "./output/request";
import { ensureFolder } from "./output/atomic";
import { TAIL_LINES } from "./render/alerts";
import { watchedDeployment } from "./report/deployment";
import { CapacityGate } from "./report/capacity";
import type { Report, SelfCounts } from "./report/report";
import { Samples } from "./report/samples";
import { blindOf, type Sampled, type Snapshot } from "./report/snapshot";
import { deriveUsage } from "./report/usage";
import { VERSION } from "./version";

/** What is asked of a {@link Collector}. */
export interface Sampler {
  sample(config: SettledConfig): Sampled;
  readonly remembered: CollectorState;
  restore(state: CollectorState): void;
  collect(config: SettledConfig): Promise<Snapshot>;
}

/** One collection after the other: snapshot -> usage -> alerts -> outputs -> files. */
export class Monitor {
  missedIntervals = 0;
  /** Whether the last collection found room for more work. */
  available = false;
  /** Settles when what the last collection had to tell was tried; a process that ends waits for it. */
  told: Promise<void> = Promise.resolve();
  private collections = 0;
  private stateErrors = 0;
  private readonly samples = new Samples();
  private book: AlertBook;
  private readonly store: AlertStore;
  private readonly counters: CounterStore;
  private readonly log: AlertLog;
  private readonly history: History;
  private readonly watch: DeploymentReports;
  private readonly conditions = new Conditions();
  private readonly capacity = new CapacityGate();
  private readonly delivery: Delivery;
  private readonly warned = new Set<string>();

  constructor(
    private config: SettledConfig,
    private readonly roots: Roots,
    private readonly collector: Sampler,
    private readonly clock: Clock,
    private readonly warn: (message: string) => void,
    sinks: readonly Sink[] = [],
  ) {
    this.store = new AlertStore(roots.state);
    this.log = new AlertLog(roots.log);
    this.history = new History(roots.state, config.history);
    this.watch = new DeploymentReports(roots.log);
    this.book = this.store.load(warn);
    this.delivery = new Delivery(sinks, clock.monotonic);
    this.counters = new CounterStore(roots.state);
    const counters = this.counters.load(readBootId(roots), warn);
    if (counters === undefined) return;
    this.collector.restore(counters.collector);
    this.conditions.restore(counters.conditions);
  }

  /** The first of the two samples that CPU times need. */
  prime(): void {
    this.samples.begin(this.collector.sample(this.config));
  }

  /** From the next collection on; alerts, history, counters and the sample before stay. */
  reconfigure(config: SettledConfig): void {
    this.config = config;
  }

  /** Collects, raises and clears alerts, and writes everything. Only a failure to write the outputs is an error. */
  async collect(): Promise<Outputs> {
    const request = readRequest(this.roots);
    const snapshot = await this.collector.collect(this.config);
    const usage = deriveUsage(
      snapshot,
      this.samples.before(snapshot, this.config.intervalSeconds),
      this.config,
    );
    this.collections += 1;
    const inputs = this.conditions.of(snapshot, usage, this.config);
    const utcOffsetMinutes = request?.utcOffsetMinutes ?? -new Date(snapshot.time).getTimezoneOffset();
    const watched = watchedDeployment(snapshot, this.config.watchHours);
    const events = this.raise(inputs, snapshot, utcOffsetMinutes, watched);
    const host = this.config.host ?? hostname();
    const unseen = blindOf(snapshot.collectors).map(({ name }) => name);
    // Nobody waits for it: who is told holds up no collection, however long that takes.
    this.told = this.delivery.tell({
      time: snapshot.time,
      monotonicSeconds: snapshot.monotonicSeconds,
      intervalSeconds: this.config.intervalSeconds,
      host,
      events,
      alerts: this.book.alerts,
      seesAll: unseen.length === 0,
    });
    const capacity = this.capacity.judge(snapshot, usage, this.config);
    this.available = capacity.available;
    const report: Report = {
      version: VERSION,
      host,
      config: this.config,
      snapshot,
      usage,
      capacity,
      inputs,
      alerts: this.book.alerts,
      logTail: this.attempt("alerts.log", () => this.log.tail(TAIL_LINES)) ?? [],
      utcOffsetMinutes,
      counts: this.counts(),
      sinks: this.delivery.report,
      oomKillsElsewhere: this.conditions.oomKillsElsewhere,
    };
    this.attempt("the counters", () => {
      this.counters.save(snapshot.bootId, {
        collector: this.collector.remembered,
        conditions: this.conditions.remembered,
      });
    });
    this.attempt("the history", () => {
      this.history.add(report);
    });
    this.attempt("the deployment's report", () => {
      this.watch.report(report, this.history);
    });
    const outputs = renderOutputs(report);
    ensureFolder(this.roots.run);
    writeOutputs(this.roots.run, outputs, {
      uptimeSeconds: this.uptime(),
      intervalSeconds: this.config.intervalSeconds,
      unixSeconds: snapshot.time / 1000,
      token: request?.token ?? "-",
      unseen,
    });
    return outputs;
  }

  private raise(
    inputs: readonly AlertInput[],
    snapshot: Snapshot,
    utcOffsetMinutes: number,
    watched: string | undefined,
  ): readonly AlertEvent[] {
    const { book, events } = stepAlerts(this.book, inputs, snapshot, this.config.alerts);
    this.book = book;
    const errors = this.log.errors;
    this.log.write(events.map((event) => renderLogLine(event, snapshot.time, utcOffsetMinutes, watched)));
    if (this.log.errors > errors)
      this.warnOnce("alerts.log cannot be written; its lines are kept and tried again");
    this.attempt("the alerts' state", () => {
      this.store.save(book);
    });
    return events;
  }

  private attempt<T>(what: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.stateErrors += 1;
      this.warnOnce(`${what}: ${errorText(error)}`);
      return undefined;
    }
  }

  private warnOnce(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.warn(message);
  }

  private counts(): SelfCounts {
    return {
      collections: this.collections,
      missedIntervals: this.missedIntervals,
      logErrors: this.log.errors,
      stateErrors: this.stateErrors,
    };
  }

  /** The host's uptime, which the host's command compares with; the monotonic clock where procfs has none. */
  private uptime(): number {
    const text = readText(join(this.roots.procfs, "uptime"));
    const seconds = Number(text?.split(" ")[0]);
    return Number.isFinite(seconds) ? seconds : this.clock.monotonic();
  }
}
