import { SettingError } from "../settings/field";
import { parseIpAddress } from "../settings/ip-address";

/**
 * The address or the name of a host, alone.
 * @throws SettingError with the address where something else is written around it
 */
export function parseHostAddress(text: string): string {
  if (parseIpAddress(text) !== undefined || isHostName(text)) return text;
  const [, user, plain, port] =
    /^(?:ssh:\/\/)?([^@/]*@)?(\[[^\]]*\]|[^:[\]/]*)(?::([0-9]*))?\/*$/.exec(text.trim()) ?? [];
  const address = plain?.replace(/^\[|\]$/g, "");
  if (port !== undefined) throw new SettingError("its port is a setting of its own: port", address);
  if (user !== undefined) throw new SettingError("its user is a setting of its own: user", address);
  throw new SettingError("that is no IP address and no host name", address);
}

/** Labels of RFC 1123. One whose last is a number would be an IPv4 address, and is none. */
function isHostName(text: string): boolean {
  const labels = text.split(".");
  const isLabel = (label: string): boolean => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label);
  return text.length <= 253 && labels.every(isLabel) && !/^([0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? "");
}
