/**
 * Drop-ins of this project for units of others. systemd reads drop-ins in the order of their names, whatever folder they are
 * in, and the last one wins: these come after the `override.conf` of `systemctl edit`.
 */
export const LIMITS_DROP_IN = "zz-goblin.conf";

/** What only a new process gets. */
export const EXEC_DROP_IN = "zz-goblin-exec.conf";

/** Defaults of variables, which an `override.conf` replaces. */
export const ENV_DROP_IN = "00-goblin-env.conf";

/** The path of a drop-in of a unit. */
export function dropIn(
  unit: string,
  name: typeof LIMITS_DROP_IN | typeof EXEC_DROP_IN | typeof ENV_DROP_IN = LIMITS_DROP_IN,
): string {
  return `/etc/systemd/system/${unit}.d/${name}`;
}
