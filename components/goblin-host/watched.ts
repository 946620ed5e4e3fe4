import type { StackId } from "../host-bundle/identity";
import type { WatchedHost } from "../observation/hosts";
import type { SshTarget } from "../observation/ssh";
import { hostBundles } from "./bundles";
import { declareHost } from "./declare";
import { type GoblinHostSettings, ObserveSetting } from "./schema";
import type { ConfiguredHost } from "./stack";

/** How to look at a host, and what shall be its own there. */
export function watchedHost(host: ConfiguredHost, stack: StackId): WatchedHost {
  const { name, settings } = host;
  const { firstNames = {} } = declareHost(name, settings).connection;
  return {
    name,
    mode: ObserveSetting.parse(settings.observe),
    target: targetOf(name, settings),
    bundles: hostBundles(host, stack),
    firstNames,
  };
}

/** Where to look at a host, from its valid settings. */
export function targetOf(name: string, settings: GoblinHostSettings): SshTarget {
  const { hostKey, port = 22, user = "root" } = declareHost(name, settings).connection;
  return { address: settings.address, port, user, ...(typeof hostKey === "string" ? { hostKey } : {}) };
}
