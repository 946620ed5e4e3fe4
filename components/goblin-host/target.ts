import type { SshTarget } from "../observation/ssh";
import { declareHost } from "./declare";
import type { GoblinHostSettings } from "./schema";

/** Where to look at a host, from its valid settings. */
export function targetOf(name: string, settings: GoblinHostSettings): SshTarget {
  const { hostKey, port = 22, user = "root" } = declareHost(name, settings).connection;
  return { address: settings.address, port, user, ...(typeof hostKey === "string" ? { hostKey } : {}) };
}
