import { join } from "node:path";
import { withLock } from "../../sandbox/lock";
import { runsFolder } from "../../sandbox/paths";

/**
 * Runs what measures milliseconds, and what keeps this machine's disk busy for seconds, one at a time: two suites run
 * side by side, and the one would measure the other.
 */
export const alone = <T>(action: () => Promise<T>): Promise<T> =>
  withLock(join(runsFolder(), "alone.lock"), 580, action);
