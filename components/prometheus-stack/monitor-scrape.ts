import type { z } from "zod";
import { reachableAt } from "../monitor/engine-address";
import type { MonitorSettings } from "../monitor/schema";
import type { MonitorTarget } from "./config";
import { type Credentials, credentialPath, PROMETHEUS_UNIT } from "./programs";
import type { PrometheusSettings } from "./schema";

/** How the monitor is asked, and what is handed to Prometheus for that. */
export interface MonitorScrape {
  readonly target: MonitorTarget;
  readonly credentials: Credentials;
}

const TOKEN = "monitor-token";
const CERTIFICATE = "monitor-certificate.pem";

/**
 * What the monitor's own settings come to for whoever scrapes it on the same host. Its token and certificate are files that its
 * user alone reads: systemd hands Prometheus a copy at its start.
 * @throws RangeError where it has no address, or a certificate and nobody says for whom
 */
export function monitorScrape(
  { serverName }: z.output<typeof PrometheusSettings>,
  { listen, access }: z.output<typeof MonitorSettings>,
): MonitorScrape {
  if (listen === undefined) throw new RangeError(`${NO_ADDRESS}; it is listen of the monitor's settings`);
  const { token, certificate } = access;
  if (certificate !== undefined && serverName === undefined)
    throw new RangeError(`serverName is missing: ${NO_NAME}`);
  const given = (name: string): string => credentialPath(PROMETHEUS_UNIT, name);
  return {
    target: {
      address: `${reachableAt(listen.address)}:${listen.port}`,
      ...(token === undefined ? {} : { tokenFile: given(TOKEN) }),
      ...(certificate === undefined || serverName === undefined
        ? {}
        : { tls: { caFile: given(CERTIFICATE), serverName } }),
    },
    credentials: {
      ...(certificate === undefined ? {} : { [CERTIFICATE]: certificate }),
      ...(token === undefined ? {} : { [TOKEN]: token }),
    },
  };
}

export const NO_ADDRESS = "Prometheus scrapes the monitor at an address, and it has none";
export const NO_NAME =
  "the monitor shows a certificate (monitor.access.certificate), and Prometheus asks it for that name";
