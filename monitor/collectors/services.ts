import { statSync } from "node:fs";
import type { ServiceSettings } from "../config/schema";
import { listFolder, readText, readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { containerId, parseStartTicks, slicePath } from "../parse/cgroup";
import { parseBootTime, TICKS_PER_SECOND } from "../parse/cpu";
import { parseKeyed } from "../parse/text";
import type { RunningService, ServiceSample } from "../report/snapshot";
import { readPressure } from "./cpu";
import { readCgroup } from "./cgroup";

/** More than any AI service has; reading thousands of processes would not be worth a start time. */
const MOST_PROCESSES = 256;

/** What is known of a service besides its cgroup. */
export type ServiceBase = Omit<ServiceSample, "models" | "probe">;

/** Finds the services' cgroups and reads them. It asks neither systemd nor Docker. */
export class ServiceCollector {
  private readonly seen = new Map<string, { identity: string; restarts: number }>();

  constructor(
    private readonly roots: Roots,
    private readonly services: readonly ServiceSettings[],
  ) {}

  collect(): ServiceBase[] {
    const { cgroup } = this.roots;
    if (readText(`${cgroup}/cgroup.controllers`) === undefined) {
      throw new Error(`no cgroup v2 at ${cgroup}: boot with systemd.unified_cgroup_hierarchy=1`);
    }
    return this.services.map((service) => {
      const folder = this.find(service);
      return {
        name: service.name,
        runtime: service.runtime,
        unit: service.unit ?? `${service.name}.service`,
        image: service.image,
        declaredMemoryBytes: service.memoryMaxBytes,
        declaredCores: service.quotaPercent === undefined ? undefined : service.quotaPercent / 100,
        running: folder === undefined ? undefined : this.read(folder),
        restarts: this.countRestarts(service.name, folder),
      };
    });
  }

  /** The cgroup with processes in it that is the service's; undefined when it does not run. */
  private find(service: ServiceSettings): string | undefined {
    const alive = this.candidates(service).filter((folder) => this.isPopulated(folder));
    // While Docker replaces a container there may be two: the one that holds more memory does the work.
    return alive.sort((a, b) => this.usage(b) - this.usage(a))[0];
  }

  private candidates({ name, runtime, unit, slice, cgroup }: ServiceSettings): string[] {
    if (cgroup !== undefined) return [cgroup];
    const sliceName = slice ?? `ai-${name.replaceAll("-", "")}.slice`;
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
    return events !== undefined && parseKeyed(events).get("populated") === 1;
  }

  private usage(folder: string): number {
    return Number(readText(`${this.roots.cgroup}/${folder}/memory.current`) ?? 0);
  }

  private read(folder: string): RunningService {
    const path = `${this.roots.cgroup}/${folder}`;
    const { memory, cpu, tasks, io } = readCgroup(this.roots.cgroup, folder);
    return {
      cgroup: folder,
      containerId: containerId(folder.slice(folder.lastIndexOf("/") + 1)),
      startTimeSeconds: this.startTime(path),
      tasks,
      memory,
      cpu,
      pressure: readPressure((resource) => `${path}/${resource}.pressure`) ?? {
        cpu: undefined,
        memory: undefined,
        io: undefined,
      },
      io,
    };
  }

  /** A cgroup's folder is made anew at each start of its unit or container, and its inode with it. */
  private countRestarts(name: string, folder: string | undefined): number {
    const before = this.seen.get(name);
    if (folder === undefined) return before?.restarts ?? 0;
    const inode = statSync(`${this.roots.cgroup}/${folder}`, { throwIfNoEntry: false })?.ino;
    const identity = `${folder}:${inode ?? 0}`;
    const restarts =
      before === undefined
        ? 0
        : before.restarts + (before.identity === identity || inode === undefined ? 0 : 1);
    this.seen.set(name, {
      identity: inode === undefined ? (before?.identity ?? identity) : identity,
      restarts,
    });
    return restarts;
  }

  private startTime(path: string): number | undefined {
    const { procfs } = this.roots;
    const bootTime = parseBootTime(readText(`${procfs}/stat`) ?? "");
    const pids = (readText(`${path}/cgroup.procs`) ?? "").split("\n").filter((pid) => /^[1-9]/.test(pid));
    const ticks = pids.slice(0, MOST_PROCESSES).flatMap((pid) => {
      const stat = readTextIfAllowed(`${procfs}/${pid}/stat`);
      return stat === undefined ? [] : (parseStartTicks(stat) ?? []);
    });
    if (bootTime === undefined || ticks.length === 0) return undefined;
    return bootTime + Math.min(...ticks) / TICKS_PER_SECOND;
  }
}
