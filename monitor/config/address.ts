/**
 * Whether an IP address is reachable only from this machine or a private network: loopback, RFC 1918, link-local,
 * carrier-grade NAT (RFC 6598, as VPN meshes use it), and unique local addresses (RFC 4193). Undefined when it is no
 * IP address.
 */
export function isPrivateAddress(address: string): boolean | undefined {
  const four = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(address)?.slice(1).map(Number);
  if (four !== undefined) {
    if (four.some((part) => part > 255)) return undefined;
    const [a = 0, b = 0] = four;
    if (a === 127 || a === 10) return true;
    if (a === 172) return b >= 16 && b <= 31;
    if (a === 192) return b === 168;
    if (a === 169) return b === 254;
    return a === 100 && b >= 64 && b <= 127;
  }
  const six = address.toLowerCase();
  if (!/^[0-9a-f:]+$/.test(six) || !six.includes(":")) return undefined;
  return six === "::1" || /^f[cd][0-9a-f]{2}:/.test(six) || /^fe[89ab][0-9a-f]:/.test(six);
}
