import { statSync } from "node:fs";
import type { Clock } from "../host/clock";
import { listFolder, readText, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { parseProcessCgroup, parseStartTicks } from "../parse/cgroup";
import { parseBootTime, TICKS_PER_SECOND } from "../parse/cpu";

const DAY_SECONDS = 86_400;
/** 2015: older than every kernel that this runs on. */
const EARLIEST_SECONDS = 1_420_070_400;

/** A process and when it started, in ticks since boot: together they name it for good. */
interface Process {
  readonly pid: string;
  readonly ticks: number;
}

interface Run {
  /** The cgroup's path and inode: its folder is made anew when its unit or container is started anew. */
  readonly identity: string;
  /** Undefined where processes are hidden (hidepid). */
  readonly oldest: Process | undefined;
  readonly restarts: number;
}

/**
 * When services started, and how often again. A new cgroup is a new start, and so is a new oldest process in the same
 * one, which systemd keeps over an automatic restart.
 */
export class ServiceStarts {
  private readonly runs = new Map<string, Run>();
  /** Read once in a collection, where a service is there to need it. */
  private bootTime: { readonly seconds: number | undefined } | undefined;

  constructor(
    private readonly roots: Roots,
    private readonly clock: Pick<Clock, "now">,
  ) {}

  /** A new collection: forgets the services that are watched no more. */
  begin(names: readonly string[]): void {
    this.bootTime = undefined;
    for (const name of this.runs.keys()) if (!names.includes(name)) this.runs.delete(name);
  }

  restartsOf(name: string): number {
    return this.runs.get(name)?.restarts ?? 0;
  }

  /** `folder` is the service's cgroup; undefined when it does not run. `pid` is its oldest process's, where that is seen. */
  observe(
    name: string,
    folder: string | undefined,
  ): { startTimeSeconds: number | undefined; restarts: number; pid: string | undefined } {
    const before = this.runs.get(name);
    if (folder === undefined)
      return { startTimeSeconds: undefined, restarts: before?.restarts ?? 0, pid: undefined };
    const inode = statSync(`${this.roots.cgroup}/${folder}`, { throwIfNoEntry: false })?.ino ?? 0;
    const identity = `${folder}:${inode}`;
    const same = before?.identity === identity;
    const known = same ? before.oldest : undefined;
    const oldest = known !== undefined && this.lives(known) ? known : this.oldest(folder);
    // One of which no process was caught yet may be the one of before.
    const again =
      before !== undefined &&
      (!same || (known !== undefined && oldest !== undefined && known.ticks !== oldest.ticks));
    const restarts = (before?.restarts ?? 0) + (again ? 1 : 0);
    this.runs.set(name, { identity, oldest: oldest ?? known, restarts });
    return { startTimeSeconds: this.timeOf(oldest), restarts, pid: oldest?.pid };
  }

  private lives({ pid, ticks }: Process): boolean {
    return this.ticksOf(pid) === ticks;
  }

  private oldest(folder: string): Process | undefined {
    const processes = this.processesIn(folder).flatMap((pid) => {
      const ticks = this.ticksOf(pid);
      return ticks === undefined ? [] : [{ pid, ticks }];
    });
    return processes.sort((a, b) => a.ticks - b.ticks)[0];
  }

  /** From within a container cgroup.procs shows 0 for the host's processes; each of those tells where it belongs. */
  private processesIn(folder: string): string[] {
    const { cgroup, procfs } = this.roots;
    const visible = pidsOf((readText(`${cgroup}/${folder}/cgroup.procs`) ?? "").split("\n"));
    if (visible.length > 0) return visible;
    // Where they are hidden (hidepid) a look at all of them finds none.
    if (readTextIfAllowed(`${procfs}/1/stat`) === undefined) return [];
    return pidsOf(listFolder(procfs) ?? []).filter((pid) => {
      const lies = parseProcessCgroup(readTextIfAllowed(`${procfs}/${pid}/cgroup`) ?? "");
      return lies === folder || lies?.startsWith(`${folder}/`) === true;
    });
  }

  private ticksOf(pid: string): number | undefined {
    const stat = readTextIfAllowed(`${this.roots.procfs}/${pid}/stat`);
    return stat === undefined ? undefined : parseStartTicks(stat);
  }

  private timeOf(process: Process | undefined): number | undefined {
    if (process === undefined) return undefined;
    this.bootTime ??= { seconds: parseBootTime(readText(`${this.roots.procfs}/stat`) ?? "") };
    const { seconds } = this.bootTime;
    if (seconds === undefined) return undefined;
    const time = seconds + process.ticks / TICKS_PER_SECOND;
    // A host whose clock was set says so; one that has none, or a kernel that guesses, tells a time that cannot be.
    return time >= EARLIEST_SECONDS && time <= this.clock.now() / 1000 + DAY_SECONDS ? time : undefined;
  }
}

function pidsOf(names: readonly string[]): string[] {
  return names.filter((name) => /^[1-9][0-9]*$/.test(name));
}
