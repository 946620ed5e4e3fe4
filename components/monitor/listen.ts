import { isPrivateAddress } from "../../monitor/config/address";
import { SettingError } from "../settings/field";
import { bracketed, parseIpAddress } from "../settings/ip-address";

/** Where somebody is found. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

const USUAL_PORT = "9465";

/**
 * Reads `ADDRESS:PORT`, an IPv6 address in brackets.
 * @param usualPort the port that a suggestion has where none was given
 * @throws SettingError for what is no address with a port; with the same on loopback
 */
export function parseListen(text: string, usualPort = USUAL_PORT): ListenAddress {
  const [, given = "", port = ""] = /^(\[[^\]]*\]|[^:[\]]*):([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpAddress(given.replace(/^\[|\]$/g, ""));
  const isPort = /^[1-9]/.test(port) && Number(port) <= 65_535;
  if (address === undefined || bracketed(address).startsWith("[") !== given.startsWith("[") || !isPort)
    throw new SettingError("that is no IP address and port", meant(text, usualPort));
  return { address: address.text, port: Number(port) };
}

/**
 * The same of one that the internet does not reach.
 * @param why it must be private
 * @throws SettingError as {@link parseListen}, and for one that is not private
 */
export function parsePrivateAddress(text: string, usualPort: string, why: string): ListenAddress {
  const parsed = parseListen(text, usualPort);
  if (isPrivateAddress(parsed.address) !== true)
    throw new SettingError(
      `that address may be reached from the internet, and ${why}`,
      `127.0.0.1:${parsed.port}`,
    );
  return parsed;
}

/**
 * The same of one that this machine alone reaches, at a port that needs no privilege.
 * @throws SettingError as {@link parseListen}, and for one that is not so
 */
export function parseLoopbackAddress(text: string, usualPort: string): ListenAddress {
  const parsed = parseListen(text, usualPort);
  if (!/^(127\.|::1$)/.test(parsed.address))
    throw new SettingError("others than this host reach that address", `127.0.0.1:${parsed.port}`);
  if (parsed.port < 1024)
    throw new SettingError("a port below 1024 is for root alone", text.replace(/[0-9]+$/, usualPort));
  return parsed;
}

/** An address alone gets the usual port; a port, or a name and a port, the address of loopback. */
function meant(text: string, usualPort: string): string {
  const [port] = /[0-9]{1,5}$/.exec(text) ?? [];
  const address = parseIpAddress(text);
  if (address !== undefined) return `${bracketed(address)}:${usualPort}`;
  return `127.0.0.1:${port ?? usualPort}`;
}
