import { linkSync, renameSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { errorCode } from "../host/files";
import { ensureFolder } from "./atomic";

const ANSWER_MILLISECONDS = 2000;
const ATTEMPTS = 5;

/** Another collector is at work. */
export class LockedError extends Error {}

/**
 * One collector at a time. The lock is a Unix socket that its holder listens on: it works between containers and the
 * host, where process ids and abstract sockets do not, says who holds it, and dies with its holder.
 */
export class CollectorLock {
  private constructor(
    private readonly path: string,
    private readonly server: Server,
    private readonly inode: number,
  ) {}

  static async acquire(folder: string, holder: string): Promise<CollectorLock> {
    ensureFolder(folder);
    const path = join(folder, "collector.lock");
    const temporary = `${path}.${process.pid}.new`;
    rmSync(temporary, { force: true });
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end(`${holder}\n`);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(temporary, resolve);
    });
    server.unref();
    try {
      const inode = statSync(temporary).ino;
      await take(temporary, path);
      return new CollectorLock(path, server, inode);
    } catch (error) {
      server.close();
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** Whether the lock is still this one: somebody may have removed the folder. */
  get held(): boolean {
    return inodeOf(this.path) === this.inode;
  }

  release(): void {
    if (this.held) rmSync(this.path, { force: true });
    this.server.close();
  }
}

/** Gives the listening socket its final name, which fails while another has it. */
async function take(temporary: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      linkSync(temporary, path);
      return;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    const inode = inodeOf(path);
    const holder = await ask(path);
    if (holder !== undefined) throw new LockedError(`another collector holds ${path}: ${holder}`);
    removeStale(path, inode);
  }
  throw new LockedError(`${path} changes hands all the time`);
}

/** Takes a dead holder's socket away; one that another took meanwhile is put back. */
function removeStale(path: string, inode: number | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (inodeOf(aside) !== inode) linkSync(aside, path);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes(errorCode(error) ?? "")) throw error;
  }
  rmSync(aside, { force: true });
}

/** What the holder says; undefined when nobody listens any more. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(path);
    socket.setEncoding("utf8");
    socket.setTimeout(ANSWER_MILLISECONDS, () => {
      socket.destroy();
      resolve("it does not say which");
    });
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("end", () => {
      resolve(answer.trim());
    });
    socket.on("error", (error) => {
      const code = errorCode(error) ?? "";
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(undefined);
      else reject(error);
    });
  });
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
