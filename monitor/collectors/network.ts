import { inodeIfAllowed, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { type Interface, isHostsOwn, parseNetDev } from "../parse/network";

const MOST_INTERFACES = 64;

/**
 * The host's interfaces. /proc/net and /proc/self/net are those of whoever looks, a container's: the first process's are the host's.
 * Undefined where processes are hidden (hidepid).
 */
export function collectNetwork({ procfs }: Roots): Interface[] | undefined {
  const text = readTextIfAllowed(`${procfs}/1/net/dev`);
  return text === undefined ? undefined : parseNetDev(text).filter(isHostsOwn).slice(0, MOST_INTERFACES);
}

/**
 * The interfaces of a process's own network namespace; undefined where it is in the host's, or hidden. Which one it is in its
 * link in /proc/PID/ns tells only to who may trace it; but each namespace has files of its own in procfs, with inodes of their own.
 */
export function readOwnNetwork({ procfs }: Roots, pid: string): Interface[] | undefined {
  const path = `${procfs}/${pid}/net/dev`;
  const [own, hosts] = [path, `${procfs}/1/net/dev`].map(inodeIfAllowed);
  if (own === undefined || hosts === undefined || own === hosts) return undefined;
  const text = readTextIfAllowed(path);
  if (text === undefined) return undefined;
  return parseNetDev(text)
    .filter(({ device }) => device !== "lo")
    .slice(0, MOST_INTERFACES);
}
