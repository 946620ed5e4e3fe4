import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { SandboxError } from "./errors";

/** Everything the sandbox keeps on this machine, outside the checkout: images, VM disks, caches. */
export function cacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"];
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "goblin-host", "sandbox");
}

/** The built images, one folder for each cache key. */
export const imagesFolder = (): string => join(cacheFolder(), "images");

/** The VMs that were made, one folder for each name. */
export const runsFolder = (): string => join(cacheFolder(), "run");

/** Files of the VM `name`: disk, keys, state, serial log. */
export const runFolder = (name: string): string => join(runsFolder(), name);

/**
 * A private folder for sockets. Not in the cache: a socket's path holds 107 bytes at most (unix(7)), and
 * OpenSSH appends 17 more while it creates a control socket.
 */
export function socketFolder(): string {
  const hash = createHash("sha256").update(cacheFolder()).digest("hex").slice(0, 8);
  const folder = join(tmpdir(), `goblin-host-${userInfo().uid}-${hash}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // In a folder that everybody may write to, somebody else may have been first.
  if (lstatSync(folder).uid !== userInfo().uid) {
    throw new SandboxError(`${folder} belongs to another user`, "set TMPDIR to a folder of your own");
  }
  return folder;
}
