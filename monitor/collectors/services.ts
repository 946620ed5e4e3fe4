import type { ServiceSettings } from "../config/schema";
import type { Clock } from "../host/clock";
import { errorText, listFolder, readText } from "../host/files";
import type { Roots } from "../host/roots";
import { containerId, sliceOf, slicePath } from "../parse/cgroup";
import { keyedCount } from "../parse/text";
import type { RunningService, ServiceSample, SliceSample } from "../report/snapshot";
import { LimitTree, readCgroup, readMemory } from "./cgroup";
import { readOwnNetwork } from "./network";
import { OomKills } from "./oom-kills";
import { ServiceStarts } from "./starts";

/** What is known of a service besides its cgroup. */
export type ServiceBase = Omit<ServiceSample, "models" | "llamaCpp" | "probe">;

/** Finds the services' cgroups and reads them. It asks neither systemd nor Docker. */
export class ServiceCollector {
  private readonly starts: ServiceStarts;
  readonly oomKills: OomKills;
  private readonly limits: LimitTree;

  constructor(
    private readonly roots: Roots,
    private readonly clock: Clock,
  ) {
    this.starts = new ServiceStarts(roots, clock);
    this.oomKills = new OomKills(roots.cgroup);
    this.limits = new LimitTree(roots.cgroup);
  }

  collect(services: readonly ServiceSettings[]): ServiceBase[] {
    const { cgroup } = this.roots;
    this.limits.begin();
    if (readText(`${cgroup}/cgroup.controllers`) === undefined) {
      throw new Error(`no cgroup v2 at ${cgroup}: boot with systemd.unified_cgroup_hierarchy=1`);
    }
    this.starts.begin(services.map(({ name }) => name));
    this.oomKills.begin(services);
    return services.map((service) => this.sample(service));
  }

  /** The slice that all of them lie under; undefined where they lie under none, or it is not there. */
  collectSlice(services: readonly ServiceSettings[]): SliceSample | undefined {
    const [name, ...others] = new Set(
      services.flatMap((service) =>
        service.cgroup === undefined ? slicePath(sliceOf(service)).split("/")[0] : [],
      ),
    );
    if (name === undefined || others.length > 0) return undefined;
    if (readText(`${this.roots.cgroup}/${name}/cgroup.events`) === undefined) return undefined;
    return { name, memory: readMemory(this.limits, name) };
  }

  /** What cannot be read of one service costs that part of it. */
  private sample(service: ServiceSettings): ServiceBase {
    const problems: string[] = [];
    const attempt = <T>(action: () => T): T | undefined => {
      try {
        return action();
      } catch (error) {
        problems.push(errorText(error));
        return undefined;
      }
    };
    const found = attempt(() => ({ folder: this.find(service) }));
    const folder = found?.folder;
    const start = found && attempt(() => this.starts.observe(service.name, folder));
    return {
      name: service.name,
      runtime: service.runtime,
      unit: service.unit ?? `${service.name}.service`,
      image: service.image,
      declaredMemoryBytes: service.memoryMaxBytes,
      declaredCores: service.quotaPercent === undefined ? undefined : service.quotaPercent / 100,
      up: found && folder !== undefined,
      running:
        folder === undefined
          ? undefined
          : {
              ...this.read(folder, start?.startTimeSeconds, problems),
              network: attempt(() =>
                start?.pid === undefined ? undefined : readOwnNetwork(this.roots, start.pid),
              ),
            },
      oomKills: found && attempt(() => this.oomKills.observe(service, folder)),
      restarts: start?.restarts ?? this.starts.restartsOf(service.name),
      problems,
    };
  }

  /** The cgroup with processes in it that is the service's; undefined when it does not run. */
  private find(service: ServiceSettings): string | undefined {
    const candidates = this.candidates(service);
    if (service.runtime === "systemd") return candidates.find((folder) => this.isPopulated(folder));
    // While Docker replaces a container there may be two: the one that holds more memory does the work.
    const alive = candidates.filter((folder) => this.isPopulated(folder));
    return alive.sort((a, b) => this.usage(b) - this.usage(a))[0];
  }

  private candidates(service: ServiceSettings): string[] {
    const { name, runtime, unit, cgroup } = service;
    if (cgroup !== undefined) return [cgroup];
    const sliceName = sliceOf(service);
    const nested = slicePath(sliceName);
    if (runtime === "systemd") {
      const unitName = unit ?? `${name}.service`;
      // A running unit stays in its old slice until it is restarted (systemd applies Slice= at the start).
      return [`${nested}/${unitName}`, `system.slice/${unitName}`];
    }
    // Docker's cgroupfs driver knows no nesting and takes the slice's name as a folder at the top.
    return [...new Set([nested, sliceName])].flatMap((parent) =>
      (listFolder(`${this.roots.cgroup}/${parent}`) ?? [])
        .filter((entry) => containerId(entry) !== undefined)
        .map((entry) => `${parent}/${entry}`),
    );
  }

  private isPopulated(folder: string): boolean {
    const events = readText(`${this.roots.cgroup}/${folder}/cgroup.events`);
    return events !== undefined && keyedCount(events, "populated") === 1;
  }

  private usage(folder: string): number {
    return Number(readText(`${this.roots.cgroup}/${folder}/memory.current`) ?? 0);
  }

  private read(
    folder: string,
    startTimeSeconds: number | undefined,
    problems: string[],
  ): Omit<RunningService, "network"> {
    const { pressure, ...numbers } = readCgroup(this.limits, folder, this.clock, problems);
    return {
      cgroup: folder,
      containerId: containerId(folder.slice(folder.lastIndexOf("/") + 1)),
      startTimeSeconds,
      ...numbers,
      pressure: pressure ?? { cpu: undefined, memory: undefined, io: undefined },
    };
  }
}
