import { type StatsFs, statfs } from "node:fs";
import { join } from "node:path";
import type { SettledConfig } from "../config/schema";
import { readRequired, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { type Mount, mountOf, parseMountinfo } from "../parse/mountinfo";
import type { Filesystem, FilesystemSpace } from "../report/snapshot";

/** What statfs(2) tells: blocks of `bsize` bytes, and inodes. */
export type FilesystemNumbers = Pick<StatsFs, "bsize" | "blocks" | "bfree" | "bavail" | "files" | "ffree">;
export type Statfs = (path: string) => Promise<FilesystemNumbers>;

const TIMEOUT_MILLISECONDS = 5000;

const systemStatfs: Statfs = (path) =>
  new Promise((resolve, reject) => {
    statfs(path, (error, stats) => {
      if (error === null) resolve(stats);
      else reject(error);
    });
  });

/**
 * Measures the filesystem that the models lie on. A mount whose server is gone blocks whoever asks it, in the kernel:
 * one call is left in flight, the collector goes on after 5 s and asks again once that call has returned.
 */
export class FilesystemCollector {
  private pending: Promise<FilesystemNumbers> | undefined;

  constructor(
    private readonly roots: Roots,
    private readonly models: SettledConfig["models"],
    private readonly ask: Statfs = systemStatfs,
    private readonly timeoutMilliseconds = TIMEOUT_MILLISECONDS,
  ) {}

  /** Whether a call to a hung mount is still in flight. */
  get hung(): boolean {
    return this.pending !== undefined;
  }

  async collect(): Promise<Filesystem> {
    const { path, mount: wanted } = this.models;
    const { mount, isMount } = this.find(path);
    const { mountpoint, device, fstype, readOnly } = mount;
    const about = { path, mountpoint, device, fstype, readOnly, isMount };
    if (wanted === "required" && !isMount) {
      return { ...about, space: undefined, problem: "not mounted" };
    }
    const space = await this.measure(join(this.roots.rootfs, path));
    return typeof space === "string"
      ? { ...about, space: undefined, problem: space }
      : { ...about, space, problem: undefined };
  }

  /** init's mounts are the host's. hidepid hides them from other users, whose own are then the best there is. */
  private find(path: string): { mount: Mount; isMount: boolean } {
    const { procfs, rootfs } = this.roots;
    const host = readTextIfAllowed(`${procfs}/1/mountinfo`);
    if (host !== undefined) {
      const mount = mountIn(host, path, `${procfs}/1/mountinfo`);
      return { mount, isMount: mount.mountpoint === path };
    }
    const seenAt = join(rootfs, path);
    const mount = mountIn(readRequired(`${procfs}/self/mountinfo`), seenAt, `${procfs}/self/mountinfo`);
    // A container has the path as a bind mount whatever it is on the host; a mount's root is what tells them apart.
    return { mount, isMount: mount.mountpoint === seenAt && mount.root === "/" };
  }

  private async measure(path: string): Promise<FilesystemSpace | string> {
    if (this.pending !== undefined) return "no answer";
    const call = this.ask(path);
    this.pending = call;
    const clear = () => {
      this.pending = undefined;
    };
    call.then(clear, clear);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.timeoutMilliseconds, undefined);
    });
    try {
      const stats = await Promise.race([call, timeout]);
      if (stats === undefined) return "no answer";
      return {
        sizeBytes: stats.blocks * stats.bsize,
        freeBytes: stats.bfree * stats.bsize,
        availableBytes: stats.bavail * stats.bsize,
        files: stats.files,
        filesFree: stats.ffree,
      };
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "no such folder";
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function mountIn(mountinfo: string, path: string, file: string): Mount {
  const mount = mountOf(parseMountinfo(mountinfo), path);
  // The root is always a mount.
  if (mount === undefined) throw new Error(`${file} has no mount for ${path}: torn`);
  return mount;
}
