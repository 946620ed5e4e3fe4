import { isPrivateAddress } from "../../monitor/config/address";
import { SettingError } from "../settings/field";
import { bracketed, parseIpAddress } from "../settings/ip-address";

/** Where Prometheus finds the monitor, or the monitor finds somebody. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

const USUAL_PORT = "9465";

/** @throws SettingError as {@link parsePrivateAddress} */
export function parseListen(text: string): ListenAddress {
  return parsePrivateAddress(text, USUAL_PORT, "the monitor has no password");
}

/**
 * Reads `ADDRESS:PORT`, an IPv6 address in brackets.
 * @param usualPort the port that a suggestion has where none was given
 * @param why it must be private
 * @throws SettingError for what is no address with a port, or one that the internet may reach; with the same on loopback
 */
export function parsePrivateAddress(text: string, usualPort: string, why: string): ListenAddress {
  const [, given = "", port = ""] = /^(\[[^\]]*\]|[^:[\]]*):([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpAddress(given.replace(/^\[|\]$/g, ""));
  const isPort = /^[1-9]/.test(port) && Number(port) <= 65_535;
  if (address === undefined || bracketed(address).startsWith("[") !== given.startsWith("[") || !isPort)
    throw new SettingError("that is no IP address and port", meant(text, usualPort));
  if (isPrivateAddress(address.text) !== true)
    throw new SettingError(`that address may be reached from the internet, and ${why}`, `127.0.0.1:${port}`);
  return { address: address.text, port: Number(port) };
}

/** An address alone gets the usual port; a port, or a name and a port, the address of loopback. */
function meant(text: string, usualPort: string): string {
  const [port] = /[0-9]{1,5}$/.exec(text) ?? [];
  const address = parseIpAddress(text);
  if (address !== undefined) return `${bracketed(address)}:${usualPort}`;
  return `127.0.0.1:${port ?? usualPort}`;
}
