/** What the program's exit status says. */
export const EXIT = {
  ok: 0,
  /** The collection failed, or its outputs could not be written. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was done. */
  usage: 2,
  /** Nothing was collected yet, it is older than three intervals, or what every host has could not be read. */
  stale: 3,
  /** Another collector is at work. */
  locked: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
