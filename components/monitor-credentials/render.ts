import type { Bundle } from "../host-bundle/bundle";
import { FILE_HEADER } from "../render/unit-file";
import { type MonitorAddresses, SECRET_SINKS, type SecretSink } from "./schema";

/** The bundle's name. */
export const MONITOR_CREDENTIALS = "monitor-credentials";

/** Where the monitor finds an address: in a folder of the program's own, so that a file of the user's is never in its way. */
export function credentialFile(sink: SecretSink): string {
  return `/etc/ai-resource-monitor/credentials/${sink}.url`;
}

/**
 * The bundle `monitor-credentials`, which is a secret as a whole: a file for each address, that the monitor's user alone reads. It
 * does so for each message, so another address needs no restart.
 * @param user of the monitor, as `uid:gid`
 */
export function renderMonitorCredentials(addresses: MonitorAddresses, user: string): Bundle {
  const files = SECRET_SINKS.flatMap((sink) => {
    const address = addresses[sink];
    if (address === undefined) return [];
    const content = `${FILE_HEADER}${address}\n`;
    return [[credentialFile(sink), { mode: "0400", owner: user, content }] as const];
  });
  return { name: MONITOR_CREDENTIALS, secret: true, files: Object.fromEntries(files) };
}
