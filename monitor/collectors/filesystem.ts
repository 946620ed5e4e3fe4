import type { StatsFs } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { join, normalize } from "node:path";
import type { SettledConfig } from "../config/schema";
import { errorCode, errorText, readRequired, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { type Mount, mountOf, parseMountinfo } from "../parse/mountinfo";
import { parsedOnce } from "../parse/text";
import { type Filesystem, type FilesystemSpace, NOT_MOUNTED } from "../report/snapshot";

/** What statfs(2) tells: blocks of `bsize` bytes, and inodes; and stat(2), where it is asked: the device, `MAJOR:MINOR`. */
export interface FilesystemNumbers extends Pick<
  StatsFs,
  "bsize" | "blocks" | "bfree" | "bavail" | "files" | "ffree"
> {
  readonly numbers?: string;
}
export type Statfs = (path: string, withDevice: boolean) => Promise<FilesystemNumbers>;

const TIMEOUT_MILLISECONDS = 5000;

/** Each call is a thread's, which a mount may keep; what is not needed is not asked. */
const systemStatfs: Statfs = async (path, withDevice) => {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  const space = { bsize, blocks, bfree, bavail, files, ffree };
  if (!withDevice) return space;
  const { dev } = await stat(path, { bigint: true });
  return { ...space, numbers: deviceNumbers(dev) };
};

/** As mountinfo writes it (gnu_dev_major(3)). */
function deviceNumbers(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/**
 * Measures the filesystem that the models lie on, and the root's. A mount whose server is gone blocks whoever asks it, in the kernel:
 * one call for each path is left in flight, the collector goes on after 5 s and asks again once that call has returned.
 */
export class FilesystemCollector {
  /** By path. */
  private readonly pending = new Map<string, Promise<FilesystemNumbers>>();
  /** init's mounts, where this user may see them. */
  private host: { readonly text: string | undefined } | undefined;
  /** A host with many containers has many mounts, and they seldom change. */
  private readonly mountsOf = parsedOnce<readonly Mount[]>(parseMountinfo);

  constructor(
    private readonly roots: Roots,
    private readonly ask: Statfs = systemStatfs,
    private readonly timeoutMilliseconds = TIMEOUT_MILLISECONDS,
  ) {}

  /** A collection begins: the host's mounts are read anew, once. */
  begin(): void {
    this.host = undefined;
  }

  /** Whether a call to a hung mount is still in flight. */
  get hung(): boolean {
    return this.pending.size > 0;
  }

  async collect(models: SettledConfig["models"]): Promise<Filesystem> {
    const { mount: wanted } = models;
    const path = normalize(models.path).replace(/(?<=.)\/$/, "");
    const found = this.find(path);
    // Asked, an automounter would mount it, or wait for a server that is gone.
    const space =
      wanted === "required" && found.mount.fstype === "autofs"
        ? NOT_MOUNTED
        : await this.measure(join(this.roots.rootfs, path), found.mount.mountpoint === "/");
    const { mount, isMount } = typeof space === "string" ? found : this.resolve(found, space.numbers);
    return filesystemOf(path, mount, isMount, wanted === "required" && !isMount ? NOT_MOUNTED : space);
  }

  /** The root's, measured at a folder that lies on it: a container has a root of its own. */
  async collectRoot(): Promise<Filesystem> {
    const { procfs, etc } = this.roots;
    const space = await this.measure(etc, false);
    const host = this.hostMounts();
    // Where init's are hidden, the mount of that folder shows the same filesystem; how the host has mounted it, it does not.
    const [file, path] =
      host === undefined ? [`${procfs}/self/mountinfo`, etc] : [`${procfs}/1/mountinfo`, "/"];
    const mount = mountIn(this.mountsOf(host ?? readRequired(file)), path, file);
    return filesystemOf("/", { ...mount, mountpoint: "/" }, false, space);
  }

  /**
   * init's mounts are the host's. hidepid hides them from other users, whose own are then the best there is. What counts is
   * whether it lies on another filesystem than the root's, as the settings say of `models.mount`.
   */
  private find(path: string): Found {
    const { procfs, rootfs } = this.roots;
    const host = this.hostMounts();
    if (host !== undefined) {
      const mounts = this.mountsOf(host);
      const mount = mountIn(mounts, path, `${procfs}/1/mountinfo`);
      return { mounts, mount, isMount: mount.mountpoint !== "/" && mount.fstype !== "autofs" };
    }
    const seenAt = join(rootfs, path);
    const mounts = this.mountsOf(readRequired(`${procfs}/self/mountinfo`));
    const mount = mountIn(mounts, seenAt, `${procfs}/self/mountinfo`);
    // A container has the path as a bind mount whatever it is on the host; a mount's root is what tells them apart.
    return { mounts: [], mount, isMount: mount.mountpoint === seenAt && mount.root === "/" };
  }

  private hostMounts(): string | undefined {
    this.host ??= { text: readTextIfAllowed(`${this.roots.procfs}/1/mountinfo`) };
    return this.host.text;
  }

  /** A path that seems to lie on the root, and does not: a link leads to where it is. */
  private resolve(found: Found, numbers: string | undefined): Found {
    const { mounts, mount } = found;
    if (numbers === undefined || mount.mountpoint !== "/" || mount.numbers === numbers) return found;
    const there = mounts.find((one) => one.numbers === numbers && one.mountpoint !== "/");
    return there === undefined ? found : { mounts, mount: there, isMount: true };
  }

  /** Or why it could not be. */
  private async measure(path: string, withDevice: boolean): Promise<Measured | string> {
    if (this.pending.has(path)) return "no answer";
    const call = this.ask(path, withDevice);
    this.pending.set(path, call);
    const clear = () => {
      this.pending.delete(path);
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
        numbers: stats.numbers,
      };
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT") return "no such folder";
      // A server that forgot it, a FUSE program that is gone, a disk that fails.
      return code ?? errorText(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function filesystemOf(
  path: string,
  { mountpoint, device, fstype, readOnly, remountedReadOnly }: Mount,
  isMount: boolean,
  measured: Measured | string,
): Filesystem {
  const about = { path, mountpoint, device, fstype, readOnly, remountedReadOnly, isMount };
  if (typeof measured === "string") return { ...about, space: undefined, problem: measured };
  const { sizeBytes, freeBytes, availableBytes, files, filesFree } = measured;
  return { ...about, space: { sizeBytes, freeBytes, availableBytes, files, filesFree }, problem: undefined };
}

type Measured = FilesystemSpace & { readonly numbers: string | undefined };

/** The host's mounts, where they are visible; the one that a path lies on; and whether that is another than the root's. */
interface Found {
  readonly mounts: readonly Mount[];
  readonly mount: Mount;
  readonly isMount: boolean;
}

function mountIn(mounts: readonly Mount[], path: string, file: string): Mount {
  const mount = mountOf(mounts, path);
  // The root is always a mount.
  if (mount === undefined) throw new Error(`${file} has no mount for ${path}: torn`);
  return mount;
}
