import type { WatchedHost } from "../observation/hosts";
import { declareHost } from "./declare";
import { GoblinHostSettings, ObserveSetting } from "./schema";

/** Where and how to look at a host, from its valid settings. */
export function watchedHost(name: string, settings: GoblinHostSettings): WatchedHost {
  const { hostKey, port = 22, user = "root" } = declareHost(name, settings).connection;
  return {
    name,
    mode: ObserveSetting.parse(settings.observe),
    target: {
      address: settings.address,
      port,
      user,
      ...(typeof hostKey === "string" ? { hostKey } : {}),
    },
  };
}
