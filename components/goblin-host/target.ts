import type { SshHop, SshTarget } from "../ssh/target";
import { valid } from "./declare";
import { GoblinHostSettings } from "./schema";

/** Where to look at a host, from its valid settings. */
export function targetOf(settings: GoblinHostSettings): SshTarget {
  const { proxyJump, ...host } = valid(GoblinHostSettings, settings);
  return { ...hopOf(host), ...(proxyJump === undefined ? {} : { proxyJump: hopOf(proxyJump) }) };
}

function hopOf(given: Omit<SshHop, "hostKey"> & { hostKey?: string | undefined }): SshHop {
  const { address, port, user, hostKey } = given;
  return { address, port, user, ...(hostKey === undefined ? {} : { hostKey }) };
}
