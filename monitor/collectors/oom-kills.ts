import type { ServiceSettings } from "../config/schema";
import { readText } from "../host/files";
import { sliceOf, slicePath } from "../parse/cgroup";
import { keyedCount } from "../parse/text";

interface Count {
  /** The cgroup whose count it is. */
  readonly folder: string;
  readonly last: number;
  readonly total: number;
}

export type OomKillsState = Readonly<Record<string, Count>>;

/**
 * How many processes of each service the kernel killed for memory, as far as this collector knows. A service that is killed takes
 * its cgroup along, and what that counted; its slice stays, and counts what happens below it.
 */
export class OomKills {
  private readonly counts = new Map<string, Count>();

  constructor(private readonly root: string) {}

  get remembered(): OomKillsState {
    return Object.fromEntries(this.counts);
  }

  restore(state: OomKillsState): void {
    for (const [name, count] of Object.entries(state)) this.counts.set(name, count);
  }

  /**
   * @param folder the service's cgroup; undefined when it does not run
   * @param others what else is watched: a slice that holds more than one would not tell whose processes they were
   * @returns undefined as long as nothing counts them
   */
  observe(
    service: ServiceSettings,
    folder: string | undefined,
    others: readonly ServiceSettings[],
  ): number | undefined {
    const before = this.counts.get(service.name);
    const counting = this.ownSlice(service, folder, others) ?? folder;
    const now = counting === undefined ? undefined : this.read(counting);
    if (counting === undefined || now === undefined) return before?.total;
    const total = before === undefined ? now : before.total + growth(before, counting, now);
    this.counts.set(service.name, { folder: counting, last: now, total });
    return total;
  }

  /** Forgets the services that are watched no more. */
  keep(names: readonly string[]): void {
    for (const name of this.counts.keys()) if (!names.includes(name)) this.counts.delete(name);
  }

  private ownSlice(
    service: ServiceSettings,
    folder: string | undefined,
    others: readonly ServiceSettings[],
  ): string | undefined {
    const path = slicePath(sliceOf(service));
    const shared = others.some((other) => other !== service && slicePath(sliceOf(other)).startsWith(path));
    const elsewhere = folder !== undefined && !folder.startsWith(`${path}/`);
    return service.cgroup !== undefined || shared || elsewhere ? undefined : path;
  }

  private read(folder: string): number | undefined {
    const text = readText(`${this.root}/${folder}/memory.events`);
    return text === undefined ? undefined : keyedCount(text, "oom_kill");
  }
}

/** Of another cgroup nobody knows what is new; one that is made anew counts from 0. */
function growth(before: Count, folder: string, now: number): number {
  if (before.folder !== folder) return 0;
  return now < before.last ? now : now - before.last;
}
