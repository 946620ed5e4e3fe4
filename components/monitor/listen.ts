import { SettingError } from "../settings/field";
import { bracketed, parseIpAddress } from "../settings/ip-address";

/** Where Prometheus finds the monitor. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** The port that a suggestion has where none was given. */
const USUAL_PORT = "9465";

/**
 * Reads `ADDRESS:PORT`, an IPv6 address in brackets.
 * @throws SettingError for what is no address with a port; with the same on loopback
 */
export function parseListen(text: string): ListenAddress {
  const [, given = "", port = ""] = /^(\[[^\]]*\]|[^:[\]]*):([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpAddress(given.replace(/^\[|\]$/g, ""));
  const isPort = /^[1-9]/.test(port) && Number(port) <= 65_535;
  if (address === undefined || bracketed(address).startsWith("[") !== given.startsWith("[") || !isPort)
    throw new SettingError("that is no IP address and port", meant(text));
  return { address: address.text, port: Number(port) };
}

/** An address alone gets the usual port; a port, or a name and a port, the address of loopback. */
function meant(text: string): string {
  const [port] = /[0-9]{1,5}$/.exec(text) ?? [];
  const address = parseIpAddress(text);
  if (address !== undefined) return `${bracketed(address)}:${USUAL_PORT}`;
  return `127.0.0.1:${port ?? USUAL_PORT}`;
}
