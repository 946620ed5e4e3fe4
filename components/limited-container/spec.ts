import { workloadEnvironment } from "../cgroup-service/environment";
import type { SettledWorkload } from "../cgroup-service/workload";
import { CONTAINER_NETWORK } from "../container-network/render";
import { parseDuration } from "../render/duration";
import { type ContainerDevice, containerGpu, type DeviceRequest, NO_GPU } from "./gpu";
import { parsePublishedPort } from "./port";
import { VOLUME } from "./schema";

/** A container in the docker provider's terms, but for its image. Everything that the provider reads back is set. */
export interface ContainerSpec {
  readonly name: string;
  /** MiB. */
  readonly memory: number;
  /** MiB of memory and swap together. */
  readonly memorySwap: number;
  readonly cpus?: string;
  readonly cpuSet?: string;
  readonly cgroupParent: string;
  readonly restart: "unless-stopped";
  readonly readOnly: boolean;
  readonly tmpfs: Record<string, string>;
  readonly securityOpts: string[];
  readonly capabilities: { readonly drops: string[]; readonly adds?: string[] };
  readonly user?: string;
  readonly command?: string[];
  readonly entrypoints?: string[];
  readonly envs: string[];
  readonly ports: ContainerPort[];
  readonly mounts: ContainerMount[];
  readonly deviceRequests?: DeviceRequest[];
  readonly devices?: ContainerDevice[];
  /** Groups of the host, by number. */
  readonly groupAdds?: string[];
  /**
   * Not `networksAdvanced`: with that the provider makes a container in the default bridge and moves it then, and one whose
   * move failed starts in the default bridge, unseen. Docker's DNS knows a container of any other network by its name.
   */
  readonly networkMode: string;
  readonly logDriver: "json-file";
  readonly logOpts: Record<string, string>;
  readonly destroyGraceSeconds: number;
  readonly healthcheck?: {
    readonly tests: string[];
    readonly interval: string;
    readonly timeout: string;
    readonly retries: number;
    readonly startPeriod: string;
  };
}

export interface ContainerPort {
  readonly ip: string;
  readonly external: number;
  readonly internal: number;
  readonly protocol: string;
}

export interface ContainerMount {
  readonly type: "bind" | "volume";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly bindOptions?: { readonly propagation: string };
}

/**
 * Docker's own limits. What Docker cannot express (memory.high and .low, IO weight, processes) is on the slice, which
 * also holds what a reload of systemd takes away from the container: its memory.swap.max, when it is to have no swap
 * at all (moby#51446). Hence the 1 MiB: with it the container's own limit survives, and the slice's 0 holds.
 */
export function containerSpec(workload: SettledWorkload): ContainerSpec {
  const { name, slice, memory, cpu, user, command, entrypoint, capabilities = [], gpu, health } = workload;
  const swap = Math.max(1, memory.swap.mebibytes);
  return {
    name,
    memory: memory.max.mebibytes,
    memorySwap: memory.max.mebibytes + swap,
    ...dockerCpus(cpu.quota === undefined ? undefined : cpu.quota / 100),
    ...(cpu.cores === undefined ? {} : { cpuSet: cpu.cores }),
    cgroupParent: slice,
    restart: "unless-stopped",
    readOnly: workload.readOnlyRoot,
    tmpfs: Object.fromEntries((workload.tmpfs ?? ["/tmp"]).map((path) => [path, "rw,nosuid,nodev"])),
    securityOpts: ["no-new-privileges:true"],
    capabilities: {
      drops: ["ALL"],
      ...(capabilities.length === 0 ? {} : { adds: capabilities.map((word) => `CAP_${word}`) }),
    },
    ...(user === undefined ? {} : { user }),
    ...(command === undefined ? {} : { command }),
    ...(entrypoint === undefined ? {} : { entrypoints: entrypoint }),
    envs: Object.entries({ ...(gpu?.vendor === "nvidia" ? {} : NO_GPU), ...workloadEnvironment(workload) })
      .map(([variable, value]) => `${variable}=${value}`)
      .sort(),
    ports: (workload.ports ?? []).map(containerPort),
    mounts: (workload.volumes ?? []).map(parseVolume),
    ...containerGpu(gpu),
    networkMode: workload.network === "shared" ? CONTAINER_NETWORK : "bridge",
    logDriver: "json-file",
    logOpts: { "max-file": "3", "max-size": "10m" },
    destroyGraceSeconds: parseDuration(workload.stopGrace),
    ...(health?.command === undefined ? {} : { healthcheck: healthcheck(health.command) }),
  };
}

/**
 * Docker's CPU limit, spelt as the provider reads it back: it cuts a number whose nine-digit form has nine zeros to one
 * digit ("2.0"), and strips the zeros of any other. What would read back otherwise (10 as "10.", 0.05 as "0.1") replaces
 * the container at every run, so it is left to the slice, which has the quota anyway.
 */
export function dockerCpus(cores: number | undefined): { cpus?: string } {
  if (cores === undefined) return {};
  const digits = cores.toFixed(9);
  const isCut = digits.split("0").length - 1 === 9;
  const readBack = isCut ? cores.toFixed(1) : digits.replace(/0+$/, "");
  return Number(readBack) === cores && !readBack.endsWith(".") ? { cpus: readBack } : {};
}

function containerPort(text: string): ContainerPort {
  const { address, host, container, protocol } = parsePublishedPort(text);
  return { ip: address.text, external: host, internal: container, protocol };
}

function parseVolume(text: string): ContainerMount {
  const [, source = "", target = "", mode = "rw"] = VOLUME.exec(text) ?? [];
  return {
    type: source.startsWith("/") ? "bind" : "volume",
    source,
    target,
    readOnly: mode === "ro",
  };
}

function healthcheck(command: string): NonNullable<ContainerSpec["healthcheck"]> {
  return {
    tests: ["CMD-SHELL", command],
    interval: "30s",
    timeout: "30s",
    retries: 3,
    startPeriod: "1m0s",
  };
}
