import type { Alert } from "../alerts/machine";
import type { AlertInput } from "../alerts/condition";
import type { SinkCounts } from "../delivery/delivery";
import type { SettledConfig } from "../config/schema";
import type { Capacity } from "./capacity";
import type { Snapshot } from "./snapshot";
import type { Usage } from "./usage";

/** What the monitor counts of itself since it started. */
export interface SelfCounts {
  readonly collections: number;
  /** Intervals without a collection, because the one before had not ended. */
  readonly missedIntervals: number;
  /** Writes to alerts.log that failed; their lines are tried again. */
  readonly logErrors: number;
  /** Writes of the history or the alerts' state that failed. */
  readonly stateErrors: number;
}

/** Everything that the outputs are rendered from. */
export interface Report {
  readonly version: string;
  /** What the host is called. */
  readonly host: string;
  readonly config: SettledConfig;
  readonly snapshot: Snapshot;
  readonly usage: Usage;
  readonly capacity: Capacity;
  readonly inputs: readonly AlertInput[];
  /** Pending and firing alerts. */
  readonly alerts: readonly Alert[];
  /** The last lines of alerts.log. */
  readonly logTail: readonly string[];
  /** Minutes that the host's local time is ahead of UTC. */
  readonly utcOffsetMinutes: number;
  readonly counts: SelfCounts;
  /** Processes outside the services that the kernel killed for memory; undefined while it is not known. */
  readonly oomKillsElsewhere: number | undefined;
  readonly sinks: readonly SinkCounts[];
}
