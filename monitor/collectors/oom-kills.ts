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
  /** How many of the services that are watched lie in each slice. */
  private readonly servicesIn = new Map<string, number>();

  constructor(private readonly root: string) {}

  get remembered(): OomKillsState {
    return Object.fromEntries(this.counts);
  }

  restore(state: OomKillsState): void {
    for (const [name, count] of Object.entries(state)) this.counts.set(name, count);
  }

  /** A new collection, of these services; the others are forgotten. */
  begin(services: readonly ServiceSettings[]): void {
    const names = new Set(services.map(({ name }) => name));
    for (const name of this.counts.keys()) if (!names.has(name)) this.counts.delete(name);
    this.servicesIn.clear();
    for (const service of services) {
      let slice = slicePath(sliceOf(service));
      while (slice !== "") {
        this.servicesIn.set(slice, (this.servicesIn.get(slice) ?? 0) + 1);
        slice = slice.slice(0, Math.max(0, slice.lastIndexOf("/")));
      }
    }
  }

  /**
   * @param folder the service's cgroup; undefined when it does not run
   * @returns undefined as long as nothing counts them
   */
  observe(service: ServiceSettings, folder: string | undefined): number | undefined {
    const before = this.counts.get(service.name);
    const counting = this.ownSlice(service, folder) ?? folder;
    const now = counting === undefined ? undefined : this.read(counting);
    if (counting === undefined || now === undefined) return before?.total;
    const total = before === undefined ? now : before.total + growth(before, counting, now);
    this.counts.set(service.name, { folder: counting, last: now, total });
    return total;
  }

  /** Undefined where it holds more than this service, which would not tell whose processes they were. */
  private ownSlice(service: ServiceSettings, folder: string | undefined): string | undefined {
    const path = slicePath(sliceOf(service));
    const shared = (this.servicesIn.get(path) ?? 0) > 1;
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
