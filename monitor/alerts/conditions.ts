import type { SettledConfig } from "../config/schema";
import { type GpuSample, isAbsent, type ServiceSample, type Snapshot } from "../report/snapshot";
import type { Usage } from "../report/usage";
import { CollectorFailures } from "./collector-failures";
import type { AlertInput } from "./condition";
import { diskConditions } from "./conditions/disks";
import { hostConditions, oomCondition, sliceConditions } from "./conditions/host";
import { collectorConditions, gpuConditions, verificationCondition } from "./conditions/own";
import { type ServiceEvents, serviceConditions } from "./conditions/services";
import { type ElsewhereState, OomElsewhere } from "./oom-elsewhere";
import { Recent, type RecentState } from "./recent";

export interface ConditionsState {
  readonly recent: RecentState;
  readonly elsewhere: ElsewhereState;
}

/** Everything that an alert is raised on, with what only many collections tell. */
export class Conditions {
  private readonly failures = new CollectorFailures();
  private readonly recent = new Recent();
  private gpus: GpuSample["known"] = [];
  private readonly elsewhere = new OomElsewhere();
  /** Processes outside the services that the kernel killed for memory, as far as it is known. */
  oomKillsElsewhere: number | undefined;

  /** To be asked once in each collection, in their order. */
  of(snapshot: Snapshot, usage: Usage, config: SettledConfig): AlertInput[] {
    this.failures.count(snapshot.collectors);
    const { thresholds } = config;
    // While nobody can ask, those that are known are not forgotten.
    if (!isAbsent(snapshot, "gpu")) this.gpus = snapshot.gpu?.known ?? this.gpus;
    else this.gpus = [];
    const names = config.services.map(({ name }) => name);
    this.recent.keep(["oom", ...names.flatMap((name) => [`oom ${name}`, `restarts ${name}`])]);
    const usages = new Map(usage.services?.map((service) => [service.sample.name, service]));
    const events = new Map(
      names.map((name) => [name, this.eventsOf(name, usages.get(name)?.sample, snapshot.monotonicSeconds)]),
    );
    this.oomKillsElsewhere = this.elsewhere.count(snapshot);
    const kills = this.recent.grown("oom", this.oomKillsElsewhere, snapshot.monotonicSeconds);
    return [
      ...hostConditions(usage, thresholds),
      ...oomCondition(snapshot, this.oomKillsElsewhere === undefined ? undefined : kills),
      ...sliceConditions(snapshot, usage, thresholds),
      ...diskConditions(snapshot, usage, config),
      ...config.services.flatMap((service) =>
        serviceConditions(
          service,
          usages.get(service.name),
          events.get(service.name) ?? { oomKills: undefined, restarts: undefined },
          thresholds,
        ),
      ),
      ...gpuConditions(snapshot, this.gpus),
      verificationCondition(snapshot),
      ...collectorConditions(snapshot, this.failures),
    ];
  }

  get remembered(): ConditionsState {
    return { recent: this.recent.remembered, elsewhere: this.elsewhere.remembered };
  }

  /** What was counted in this boot, before a restart. */
  restore({ recent, elsewhere }: ConditionsState): void {
    this.recent.restore(recent);
    this.elsewhere.restore(elsewhere);
  }

  private eventsOf(name: string, sample: ServiceSample | undefined, monotonicSeconds: number): ServiceEvents {
    return {
      oomKills: this.recent.grown(`oom ${name}`, sample?.oomKills, monotonicSeconds),
      restarts: this.recent.grown(`restarts ${name}`, sample?.restarts, monotonicSeconds),
    };
  }
}
