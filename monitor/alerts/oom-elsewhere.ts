import type { Snapshot } from "../report/snapshot";

export interface ElsewhereState {
  readonly total: number;
  /** What the host and each service had counted, when that was last known of all. */
  readonly host: number | undefined;
  readonly services: Readonly<Record<string, number>>;
  /** Kills that a service had counted already, and the host's counter not yet: they are not read in one moment. */
  readonly ahead: number;
}

/** How many processes outside the services the kernel has killed for memory: what the host counts beyond what they count. */
export class OomElsewhere {
  private state: ElsewhereState = { total: 0, host: undefined, services: {}, ahead: 0 };

  /** @returns undefined while a count is not known, which a later one makes up for */
  count({ oomKills: host, services }: Pick<Snapshot, "oomKills" | "services">): number | undefined {
    // A service that is up and tells no count may have had all of them.
    const unknown = (services ?? []).some(({ up, oomKills }) => up !== false && oomKills === undefined);
    if (host === undefined || services === undefined || unknown) return undefined;
    const before = this.state;
    const counts = Object.fromEntries(
      services.flatMap(({ name, oomKills }) => (oomKills === undefined ? [] : [[name, oomKills]])),
    );
    const inServices = Object.entries(counts).reduce(
      (sum, [name, count]) => sum + Math.max(0, count - (before.services[name] ?? count)),
      0,
    );
    const beyond =
      (before.host === undefined ? 0 : Math.max(0, host - before.host)) - inServices - before.ahead;
    const total = before.total + Math.max(0, beyond);
    this.state = { total, host, services: { ...before.services, ...counts }, ahead: Math.max(0, -beyond) };
    return total;
  }

  get remembered(): ElsewhereState {
    return this.state;
  }

  restore(state: ElsewhereState): void {
    this.state = state;
  }
}
