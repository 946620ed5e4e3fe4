import type { SettledWorkload } from "../cgroup-service/workload";
import { parsePublishedPort } from "../limited-container/port";
import { bracketed, parseIpAddress } from "../settings/ip-address";

/** Where an engine listens, in its own words. */
export interface ListensAt {
  /** As it stands in a URL. */
  readonly host: string;
  readonly port: number;
}

/** Its address on the host: where it listens, or where a container publishes that port. Undefined where it publishes none. */
export function addressOnHost(
  { runtime, ports = [] }: SettledWorkload,
  listens: ListensAt,
): string | undefined {
  if (runtime === "systemd") return `http://${listens.host}:${listens.port}`;
  const published = ports
    .map(parsePublishedPort)
    .find(({ container, protocol }) => protocol === "tcp" && container === listens.port);
  return published === undefined
    ? undefined
    : `http://${reachableAt(published.address.text)}:${published.host}`;
}

/** Every address is asked at loopback. */
export function reachableAt(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  const address = parseIpAddress(host);
  if (address?.text === "::") return "[::1]";
  return address === undefined ? host : bracketed(address);
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
