import * as pulumi from "@pulumi/pulumi";
import type { SshHop, SshTarget } from "../ssh/target";
import type { HostConnection, ProxyJump } from "./connection";
import { parseHostKey } from "./schema";

/** How ssh reaches a host, once that is known. */
export function reachedAs(host: HostConnection): pulumi.Output<SshTarget> {
  const { proxyJump } = host;
  if (proxyJump === undefined) return hopOf(host);
  return pulumi.all([hopOf(host), hopOf(proxyJump)]).apply(([hop, jump]) => ({ ...hop, proxyJump: jump }));
}

function hopOf(machine: HostConnection | ProxyJump): pulumi.Output<SshHop> {
  const { address, hostKey, port = 22, user = "root", insecureSkipHostKeyCheck = false } = machine;
  return pulumi.all([address, hostKey]).apply(([at, key]) => ({
    address: at,
    port,
    user,
    ...(key === undefined || insecureSkipHostKeyCheck ? {} : { hostKey: parseHostKey(key) }),
  }));
}
