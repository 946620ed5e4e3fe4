import type { SettledConfig } from "../config/schema";
import type { Snapshot } from "../report/snapshot";
import type { Usage } from "../report/usage";
import { CollectorFailures } from "./collector-failures";
import type { AlertInput } from "./condition";
import { diskConditions } from "./conditions/disks";
import { hostConditions, oomCondition, sliceConditions } from "./conditions/host";
import { collectorCondition, gpuConditions, verificationCondition } from "./conditions/own";
import { type ServiceEvents, serviceConditions } from "./conditions/services";
import { Recent } from "./recent";

/** Everything that an alert is raised on, with what only many collections tell. */
export class Conditions {
  private readonly failures = new CollectorFailures();
  private readonly recent = new Recent();

  /** To be asked once in each collection, in their order. */
  of(snapshot: Snapshot, usage: Usage, config: SettledConfig): AlertInput[] {
    this.failures.count(snapshot.collectors);
    const { thresholds } = config;
    const events = new Map(config.services.map(({ name }) => [name, this.eventsOf(name, snapshot)]));
    const kills = this.recent.grown("oom", snapshot.oomKills, snapshot.monotonicSeconds);
    const known = [...events.values()].reduce((sum, { oomKills = 0 }) => sum + oomKills, 0);
    return [
      ...hostConditions(usage, thresholds),
      ...oomCondition(snapshot, kills === undefined ? undefined : Math.max(0, kills - known)),
      ...sliceConditions(usage, thresholds),
      ...diskConditions(snapshot, usage, config),
      ...config.services.flatMap((service) =>
        serviceConditions(
          service,
          usage.services?.find(({ sample }) => sample.name === service.name),
          events.get(service.name) ?? { oomKills: undefined, restarts: undefined },
          thresholds,
        ),
      ),
      ...gpuConditions(snapshot),
      verificationCondition(snapshot),
      collectorCondition(this.failures),
    ];
  }

  private eventsOf(name: string, { services, monotonicSeconds }: Snapshot): ServiceEvents {
    const sample = services?.find((service) => service.name === name);
    return {
      oomKills: this.recent.grown(`oom ${name}`, sample?.oomKills, monotonicSeconds),
      restarts: this.recent.grown(`restarts ${name}`, sample?.restarts, monotonicSeconds),
    };
  }
}
