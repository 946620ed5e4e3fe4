import type { StackId } from "../host-bundle/identity";
import type { WatchedHost } from "../observation/hosts";
import { hostBundles } from "./bundles";
import { declareHost } from "./declare";
import { ObserveSetting } from "./schema";
import type { ConfiguredHost } from "./stack";
import { targetOf } from "./target";

/** How to look at a host, and what shall be its own there. */
export function watchedHost(host: ConfiguredHost, stack: StackId): WatchedHost {
  const { name, settings } = host;
  const { firstNames = {} } = declareHost(name, settings).connection;
  return {
    name,
    mode: ObserveSetting.parse(settings.observe),
    target: targetOf(settings),
    bundles: hostBundles(host, stack),
    firstNames,
  };
}
