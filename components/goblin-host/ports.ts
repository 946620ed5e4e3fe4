import { formatPublishedPort, parsePublishedPort, type PublishedPort } from "../limited-container/port";
import { type ListenAddress, parseListen } from "../monitor/listen";
import { stackListeners } from "./prometheus-checks";
import { overlap, parseIpAddress } from "../settings/ip-address";
import type { SettingIssue } from "../settings/issues";
import { isMap, type SettingPath, valueAt } from "../settings/values";

/** Who answers at a port of the host. */
interface Claim extends Pick<PublishedPort, "address" | "host" | "protocol"> {
  /** What an operator knows it by, and what it does. */
  readonly holder: string;
}

/** A container's published port, where it is written. */
interface Published {
  readonly workload: string;
  readonly path: SettingPath;
  readonly value: unknown;
  readonly port: PublishedPort;
}

/**
 * Ports of the host that two would answer at: containers, one container twice, or a container and the monitor, Prometheus or
 * Alertmanager. Told of
 * the later one, with the next port that nobody has. What is wrong by itself is skipped.
 */
export function portIssues(raw: unknown): SettingIssue[] {
  const claims: Claim[] = [...monitorsClaim(raw), ...stackClaims(raw)];
  const colliding: [Published, Claim][] = [];
  for (const published of publishedPorts(raw)) {
    const other = claims.find((claim) => collide(claim, published.port));
    if (other === undefined) claims.push(claimOf(published));
    else colliding.push([published, other]);
  }
  return colliding.map(([published, { holder, host, protocol, address }]) => {
    const mended = { ...published, port: { ...published.port, host: freePort(published.port, claims) } };
    claims.push(claimOf(mended));
    return {
      path: published.path,
      value: published.value,
      message: `${holder} port ${host}/${protocol} at ${address.text}`,
      allowed: "each port of the host once; 0.0.0.0 and [::] are every address of their kind",
      fix: formatPublishedPort(mended.port),
    };
  });
}

function collide(a: Claim, b: PublishedPort): boolean {
  return a.host === b.host && a.protocol === b.protocol && overlap(a.address, b.address);
}

function claimOf({ workload, port }: Published): Claim {
  return { ...port, holder: `workload ${workload} publishes` };
}

/** The first port above, or from 1024 on, that is free at this address. */
function freePort(port: PublishedPort, claims: readonly Claim[]): number {
  const isFree = (host: number): boolean => !claims.some((claim) => collide(claim, { ...port, host }));
  for (let host = port.host + 1; host <= 65_535; host++) if (isFree(host)) return host;
  for (let host = 1024; host < port.host; host++) if (isFree(host)) return host;
  return port.host;
}

function monitorsClaim(raw: unknown): Claim[] {
  const given = valueAt(raw, ["monitor", "listen"]);
  const listen = typeof given === "string" ? attempt<ListenAddress>(() => parseListen(given)) : undefined;
  const address = parseIpAddress(listen?.address ?? "");
  if (listen === undefined || address === undefined) return [];
  return [{ address, host: listen.port, protocol: "tcp", holder: "the monitor listens on" }];
}

function stackClaims(raw: unknown): Claim[] {
  return stackListeners(raw).flatMap(({ name, at }) => {
    const address = parseIpAddress(at.address);
    if (address === undefined) return [];
    return [{ address, host: at.port, protocol: "tcp", holder: `${name} listens on` } as const];
  });
}

function publishedPorts(raw: unknown): Published[] {
  const workloads = valueAt(raw, ["workloads"]);
  return Object.entries(isMap(workloads) ? workloads : {}).flatMap(([workload, settings]) => {
    const ports = valueAt(settings, ["ports"]);
    if (valueAt(settings, ["runtime"]) !== "container" || !Array.isArray(ports)) return [];
    return ports.flatMap((value: unknown, index) => {
      const port = typeof value === "string" ? attempt(() => parsePublishedPort(value)) : undefined;
      return port === undefined
        ? []
        : [{ workload, path: ["workloads", workload, "ports", index], value, port }];
    });
  });
}

/** Undefined for what its parser refuses: that is told by itself. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
