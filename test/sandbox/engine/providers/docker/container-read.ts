/** What the provider reads back of a container: the API's inspection as outputs. */

import type { ContainerInspectInfo } from "dockerode";
import { isMap, textOf, type PropertyMap, type Value } from "../../values";
import { formatCpus, formatDuration } from "./go";
import { list } from "./container-request";

const MIB = 1024 * 1024;

/** The fields that the API has and the client's types have not. */
interface Inspected extends Omit<ContainerInspectInfo, "Config" | "HostConfig" | "NetworkSettings"> {
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  NetworkSettings: Record<string, unknown>;
}

/**
 * The state after reading. What Docker does not tell, or what images add to (environment, labels), stays as the state
 * has it; so do cgroupParent and cgroupnsMode, which the provider never reads: their drift goes unseen.
 */
export function readContainer(state: PropertyMap, info: ContainerInspectInfo): PropertyMap {
  const { Config: config, HostConfig: host, NetworkSettings: network, State } = info as unknown as Inspected;
  const has = (key: string): boolean => isSet(state[key]);
  const read: PropertyMap = {
    ...state,
    ...readConfig(config),
    ...readHost(host),
    ...readLimits(host),
    name: info.Name.replace(/^\/+/, ""),
    image: textOf(state["image"]).startsWith("sha256:") ? info.Image : textOf(config["Image"] as Value),
    platform: info.Platform,
    bridge: text(network["Bridge"]),
    networkDatas: networksOf(network["Networks"]),
    ...(hasCapabilities(host) && {
      capabilities: { adds: strings(host["CapAdd"]), drops: strings(host["CapDrop"]) },
    }),
    ...(has("ulimits") && { ulimits: ulimitsOf(host["Ulimits"]) }),
    ...(has("devices") && { devices: devicesOf(host["Devices"], list(state["devices"])) }),
    ...(has("logOpts") && { logOpts: mapOf((host["LogConfig"] as { Config?: unknown }).Config) }),
    ...(has("pidMode") && { pidMode: text(host["PidMode"]) }),
    ...readDevices(state, host["DeviceRequests"]),
    ...readHealthcheck(config["Healthcheck"]),
  };
  // Labels of a mount's volume are a mistake of the provider's (it cannot read them back), so the state's mounts stay.
  const mounts = mountsOf(host["Mounts"]);
  if (mounts !== undefined) read["mounts"] = mounts;
  if (State.Running || state["mustRun"] !== false) {
    if (has("ports")) read["ports"] = portsOf(network["Ports"]);
  }
  if (!State.Running) {
    read["exitCode"] = State.ExitCode;
    // A container that should run and does not: the state says that it need not, and so an update starts it.
    if (state["mustRun"] !== false) read["mustRun"] = false;
  }
  return read;
}

function readConfig(config: Record<string, unknown>): PropertyMap {
  return {
    hostname: text(config["Hostname"]),
    domainname: text(config["Domainname"]),
    command: strings(config["Cmd"]),
    entrypoints: strings(config["Entrypoint"]),
    user: text(config["User"]),
    workingDir: text(config["WorkingDir"]),
    tty: config["Tty"] === true,
    stdinOpen: config["OpenStdin"] === true,
    stopSignal: text(config["StopSignal"]),
    stopTimeout: integer(config["StopTimeout"]),
  };
}

function readHost(host: Record<string, unknown>): PropertyMap {
  const restart = (host["RestartPolicy"] ?? {}) as { Name?: string; MaximumRetryCount?: number };
  return {
    rm: host["AutoRemove"] === true,
    readOnly: host["ReadonlyRootfs"] === true,
    dns: strings(host["Dns"]),
    dnsOpts: strings(host["DnsOptions"]),
    dnsSearches: strings(host["DnsSearch"]),
    securityOpts: strings(host["SecurityOpt"]),
    publishAllPorts: host["PublishAllPorts"] === true,
    restart: text(restart.Name),
    maxRetryCount: integer(restart.MaximumRetryCount),
    init: host["Init"] === true,
    runtime: text(host["Runtime"]),
    tmpfs: mapOf(host["Tmpfs"]),
    hosts: strings(host["ExtraHosts"]).map((line) => {
      const [name = "", ip = ""] = line.split(":");
      return { host: name, ip };
    }),
    privileged: host["Privileged"] === true,
    logDriver: text((host["LogConfig"] as { Type?: string } | undefined)?.Type),
    storageOpts: mapOf(host["StorageOpt"]),
    networkMode: text(host["NetworkMode"]),
    usernsMode: text(host["UsernsMode"]),
    sysctls: mapOf(host["Sysctls"]),
    ipcMode: text(host["IpcMode"]),
    groupAdds: strings(host["GroupAdd"]),
  };
}

function readLimits(host: Record<string, unknown>): PropertyMap {
  const mib = (key: string): number => {
    const bytes = integer(host[key]);
    return bytes > 0 ? Math.floor(bytes / MIB) : bytes;
  };
  const rates = (key: string): PropertyMap[] =>
    items(host[key]).map(({ Path, Rate }) => ({ path: text(Path), rate: integer(Rate) }));
  const nano = integer(host["NanoCpus"]);
  return {
    memory: mib("Memory"),
    memoryReservation: mib("MemoryReservation"),
    memorySwap: mib("MemorySwap"),
    shmSize: mib("ShmSize"),
    ...(nano > 0 && { cpus: formatCpus(nano) }),
    cpuShares: integer(host["CpuShares"]),
    cpuSet: text(host["CpusetCpus"]),
    deviceReadBps: rates("BlkioDeviceReadBps"),
    deviceReadIops: rates("BlkioDeviceReadIOps"),
    deviceWriteBps: rates("BlkioDeviceWriteBps"),
    deviceWriteIops: rates("BlkioDeviceWriteIOps"),
  };
}

function readHealthcheck(check: unknown): PropertyMap {
  if (typeof check !== "object" || check === null) return {};
  const { Test, Interval, Timeout, StartPeriod, StartInterval, Retries } = check as Record<string, unknown>;
  return {
    healthcheck: {
      tests: strings(Test),
      interval: formatDuration(integer(Interval)),
      timeout: formatDuration(integer(Timeout)),
      startPeriod: formatDuration(integer(StartPeriod)),
      startInterval: formatDuration(integer(StartInterval)),
      retries: integer(Retries),
    },
  };
}

function mountsOf(value: unknown): PropertyMap[] | undefined {
  const mounts = items(value);
  if (mounts.some(({ VolumeOptions }) => Object.keys(mapOf(part(VolumeOptions, "Labels"))).length > 0))
    return undefined;
  return mounts.map(({ Target, Source, Type, ReadOnly, BindOptions, VolumeOptions, TmpfsOptions }) => ({
    target: text(Target),
    source: text(Source),
    type: text(Type),
    readOnly: ReadOnly === true,
    ...(isObject(BindOptions) && { bindOptions: { propagation: text(BindOptions["Propagation"]) } }),
    ...(isObject(VolumeOptions) && {
      volumeOptions: {
        noCopy: VolumeOptions["NoCopy"] === true,
        driverName: text(part(VolumeOptions["DriverConfig"], "Name")),
        driverOptions: mapOf(part(VolumeOptions["DriverConfig"], "Options")),
        subpath: text(VolumeOptions["Subpath"]),
      },
    }),
    ...(isObject(TmpfsOptions) && {
      tmpfsOptions: { sizeBytes: integer(TmpfsOptions["SizeBytes"]), mode: integer(TmpfsOptions["Mode"]) },
    }),
  }));
}

/** By the port inside; one entry for each address outside. */
function portsOf(value: unknown): PropertyMap[] {
  const ports = Object.entries(
    (value ?? {}) as Record<string, { HostIp: string; HostPort: string }[] | null>,
  );
  return ports
    .sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .flatMap(([port, bindings]) => {
      const [internal, protocol = ""] = port.split("/");
      return (bindings ?? []).map(({ HostIp, HostPort }) => ({
        internal: Number(internal),
        external: Number(HostPort),
        ip: HostIp,
        protocol,
      }));
    });
}

function networksOf(value: unknown): PropertyMap[] {
  return Object.entries((value ?? {}) as Record<string, Record<string, unknown>>).map(
    ([networkName, data]) => ({
      networkName,
      ipAddress: text(data["IPAddress"]),
      ipPrefixLength: integer(data["IPPrefixLen"]),
      gateway: text(data["Gateway"]),
      globalIpv6Address: text(data["GlobalIPv6Address"]),
      globalIpv6PrefixLength: integer(data["GlobalIPv6PrefixLen"]),
      ipv6Gateway: text(data["IPv6Gateway"]),
      macAddress: text(data["MacAddress"]),
    }),
  );
}

function readDevices(state: PropertyMap, value: unknown): PropertyMap {
  const requests = items(value);
  if (isSet(state["gpus"])) {
    const gpus = gpusOf(requests);
    return gpus === undefined ? {} : { gpus };
  }
  if (!isSet(state["deviceRequests"])) return {};
  return {
    deviceRequests: requests.map(({ Driver, Count, DeviceIDs, Capabilities, Options }) => ({
      driver: text(Driver),
      count: integer(Count),
      deviceIds: strings(DeviceIDs),
      capabilities: strings((Capabilities as unknown[] | null)?.[0]),
      options: mapOf(Options),
    })),
  };
}

function gpusOf(requests: Record<string, unknown>[]): string | undefined {
  const [request, ...more] = requests;
  if (request === undefined) return "";
  if (more.length > 0) return undefined;
  const ids = strings(request["DeviceIDs"]);
  if (ids.length > 0) return `device=${ids.join(",")}`;
  return integer(request["Count"]) === -1 ? "all" : undefined;
}

/** A device's path inside is read back only where the program gave one. */
function devicesOf(value: unknown, configured: PropertyMap[]): PropertyMap[] {
  const named = new Set(
    configured.filter((device) => isSet(device["containerPath"])).map(({ hostPath }) => hostPath),
  );
  return items(value).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => ({
    hostPath: text(PathOnHost),
    permissions: text(CgroupPermissions),
    ...(named.has(text(PathOnHost)) && { containerPath: text(PathInContainer) }),
  }));
}

function ulimitsOf(value: unknown): PropertyMap[] {
  return items(value).map(({ Name, Soft, Hard }) => ({
    name: text(Name),
    soft: integer(Soft),
    hard: integer(Hard),
  }));
}

function hasCapabilities(host: Record<string, unknown>): boolean {
  return strings(host["CapAdd"]).length > 0 || strings(host["CapDrop"]).length > 0;
}

/** Terraform's GetOk: there and not zero. */
function isSet(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isMap(value) || Object.keys(value).length > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function part(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function items(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function mapOf(value: unknown): PropertyMap {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]))
    : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function integer(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
