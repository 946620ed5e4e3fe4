// eslint-disable-next-line no-restricted-imports -- of it, what computes and asks nobody
import { BlockList, isIP } from "node:net";

/** Loopback, RFC 1918, link-local, carrier-grade NAT (RFC 6598, as VPN meshes use it), unique local addresses (RFC 4193). */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  PRIVATE.addSubnet(network, bits);
PRIVATE.addAddress("::1", "ipv6");
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addSubnet("fe80::", 10, "ipv6");

/**
 * Whether an IP address is reachable only from this machine or a private network; one of IPv4 that is written as IPv6
 * (`::ffff:10.0.0.1`) is judged as what it is. Undefined when it is no IP address.
 */
export function isPrivateAddress(address: string): boolean | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  return PRIVATE.check(address, family === 4 ? "ipv4" : "ipv6");
}
