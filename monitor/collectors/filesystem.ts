import { type StatsFs, statfs } from "node:fs";
import { join } from "node:path";
import type { SettledConfig } from "../config/schema";
import { readText, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { mountOf, parseMountinfo } from "../parse/mountinfo";
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

  async collect(): Promise<Filesystem | undefined> {
    const { path, mount: wanted } = this.models;
    const { procfs } = this.roots;
    // init's mounts are the host's; hidepid hides them from other users, whose own are then the best there is.
    const text = readTextIfAllowed(`${procfs}/1/mountinfo`) ?? readText(`${procfs}/self/mountinfo`);
    if (text === undefined) return undefined;
    const mount = mountOf(parseMountinfo(text), path);
    if (mount === undefined) return undefined;
    const isMount = mount.mountpoint === path;
    const about = { ...mount, path, isMount };
    if (wanted === "required" && !isMount) {
      return { ...about, space: undefined, problem: "not mounted" };
    }
    const space = await this.measure(join(this.roots.rootfs, path));
    return typeof space === "string"
      ? { ...about, space: undefined, problem: space }
      : { ...about, space, problem: undefined };
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
