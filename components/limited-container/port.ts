import { SettingError } from "../settings/field";
import { bracketed, type IpAddress, parseIpAddress } from "../settings/ip-address";

/** A port of a container that the host answers at. */
export interface PublishedPort {
  readonly address: IpAddress;
  readonly host: number;
  readonly container: number;
  readonly protocol: "tcp" | "udp";
}

const LOOPBACK = { family: 4, text: "127.0.0.1" } as const;
const FORM = /^(?:(\[[^\]]*\]|[^:[\]]*):)?([0-9]{1,10}):([0-9]{1,10})(?:\/([A-Za-z]*))?$/;

/**
 * Reads `[ADDRESS:]HOST:CONTAINER[/udp]`; without an address it is 127.0.0.1.
 * @throws SettingError for what is none, with the same at an address and ports that exist
 */
export function parsePublishedPort(text: string): PublishedPort {
  const match = FORM.exec(text);
  if (match === null) throw incomplete(text);
  const [, given, host = "", container = "", protocol = "tcp"] = match;
  const address = given === undefined ? LOOPBACK : parseAddress(given);
  const ports = [host, container].filter(isPort);
  const [first = "", last = ""] = [ports[0], ports.at(-1)];
  const isProtocol = protocol === "tcp" || protocol === "udp";
  const suffix = /^udp$/i.test(protocol) ? "/udp" : "";
  const meant = `${bracketed(address ?? LOOPBACK)}:${first}:${last}${suffix}`;
  if (ports.length < 2) throw new SettingError("a port is a number from 1 to 65535", meant);
  if (address === undefined) throw new SettingError(`${JSON.stringify(given)} is no IP address`, meant);
  if (!isProtocol) throw new SettingError("the protocol is tcp or udp, in small letters", meant);
  return { address, host: Number(host), container: Number(container), protocol };
}

/** The same as {@link parsePublishedPort} reads it, with its address. */
export function formatPublishedPort({ address, host, container, protocol }: PublishedPort): string {
  return `${bracketed(address)}:${host}:${container}${protocol === "udp" ? "/udp" : ""}`;
}

/** An IPv6 address stands in brackets, an IPv4 address does not. */
function parseAddress(given: string): IpAddress | undefined {
  const address = parseIpAddress(given.replace(/^\[|\]$/g, ""));
  return (address?.family === 6) === given.startsWith("[") ? address : undefined;
}

/** One number is the port of both sides. */
function incomplete(text: string): SettingError {
  const [, address = LOOPBACK.text, port] = /^(?:([0-9.]+|\[[^\]]*\]):)?([0-9]{1,5})$/.exec(text) ?? [];
  const meant = port === undefined ? undefined : `${address}:${port}:${port}`;
  return new SettingError("that is no port of the host and one of the container", meant);
}

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535;
}
