/** A container's inputs as the body of the Docker API's create and update. */

import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import { EngineError } from "../../types";
import { isMap, textOf, type PropertyMap, type Value } from "../../values";
import { parseCpus, parseDuration } from "./go";

const MIB = 1024 * 1024;

/** As the Go client compares API versions: as text. */
const SUBPATH_API = "1.45";

/** The body of /containers/create. Zero values are left out, as Terraform cannot tell them from absent ones. */
export function createBody(inputs: PropertyMap, apiVersion: string): ContainerCreateOptions {
  const text = (key: string): string => textOf(inputs[key]);
  const command = strings(inputs["command"]);
  if (command.includes("")) throw new EngineError("values for command may not be empty");
  const { exposed, bindings } = portsOf(list(inputs["ports"]));
  const volumes = volumesOf(list(inputs["volumes"]));
  return {
    name: text("name"),
    Image: text("image"),
    Hostname: text("hostname"),
    Domainname: text("domainname"),
    Tty: inputs["tty"] === true,
    OpenStdin: inputs["stdinOpen"] === true,
    StopSignal: text("stopSignal"),
    ...given("StopTimeout", number(inputs["stopTimeout"])),
    ...given("Env", strings(inputs["envs"])),
    ...given("Cmd", command),
    ...given("Entrypoint", strings(inputs["entrypoints"])),
    ...given("User", text("user")),
    ...given("WorkingDir", text("workingDir")),
    ...given("ExposedPorts", exposed),
    ...given("Volumes", volumes.paths),
    ...given("Labels", labelsOf(inputs["labels"])),
    ...(isMap(inputs["healthcheck"]) && { Healthcheck: healthcheckOf(inputs["healthcheck"]) }),
    HostConfig: {
      ...hostConfig(inputs),
      ...limits(inputs),
      ...throttles(inputs),
      Mounts: list(inputs["mounts"]).map((mount) => mountOf(mount, apiVersion)),
      ...given("PortBindings", bindings),
      ...given("Binds", volumes.binds),
      ...given("VolumesFrom", volumes.from),
    },
  };
}

function hostConfig(inputs: PropertyMap): HostConfig {
  const text = (key: string): string => textOf(inputs[key]);
  const capabilities = isMap(inputs["capabilities"]) ? inputs["capabilities"] : {};
  return {
    Privileged: inputs["privileged"] === true,
    PublishAllPorts: inputs["publishAllPorts"] === true,
    RestartPolicy: restartPolicy(inputs),
    AutoRemove: inputs["rm"] === true,
    ReadonlyRootfs: inputs["readOnly"] === true,
    Runtime: text("runtime"),
    LogConfig: { Type: text("logDriver"), Config: stringMap(inputs["logOpts"]) },
    Init: inputs["init"] === true,
    ...given("Tmpfs", stringMap(inputs["tmpfs"])),
    ...given(
      "ExtraHosts",
      list(inputs["hosts"]).map(({ host, ip }) => `${textOf(host)}:${textOf(ip)}`),
    ),
    ...given(
      "Ulimits",
      list(inputs["ulimits"]).map(({ name, soft, hard }) => ({
        Name: textOf(name),
        Soft: Number(soft),
        Hard: Number(hard),
      })),
    ),
    ...given("CapAdd", strings(capabilities["adds"])),
    ...given("CapDrop", strings(capabilities["drops"])),
    ...given("Devices", list(inputs["devices"]).map(deviceOf)),
    ...given("DeviceRequests", deviceRequests(inputs)),
    ...given("Dns", strings(inputs["dns"])),
    ...given("DnsOptions", strings(inputs["dnsOpts"])),
    ...given("DnsSearch", strings(inputs["dnsSearches"])),
    ...securityOf(strings(inputs["securityOpts"])),
    ...given("ShmSize", number(inputs["shmSize"]) * MIB),
    ...given("NetworkMode", text("networkMode")),
    ...given("UsernsMode", text("usernsMode")),
    ...given("PidMode", text("pidMode")),
    ...given("Sysctls", stringMap(inputs["sysctls"])),
    ...given("IpcMode", text("ipcMode")),
    ...given("GroupAdd", strings(inputs["groupAdds"])),
    ...given("CgroupnsMode", text("cgroupnsMode") as "private"),
    ...given("CgroupParent", text("cgroupParent")),
    ...given("StorageOpt", stringMap(inputs["storageOpts"])),
  };
}

/** What `docker update` can change too. */
function limits(inputs: PropertyMap): HostConfig {
  const cpus = textOf(inputs["cpus"]);
  return {
    ...given("Memory", number(inputs["memory"]) * MIB),
    ...given("MemoryReservation", number(inputs["memoryReservation"]) * MIB),
    ...given("MemorySwap", swapOf(inputs)),
    ...given("CpuShares", number(inputs["cpuShares"])),
    ...given("CpusetCpus", textOf(inputs["cpuSet"])),
    ...(cpus === ""
      ? {
          ...given("CpuPeriod", number(inputs["cpuPeriod"])),
          ...given("CpuQuota", number(inputs["cpuQuota"])),
        }
      : { NanoCpus: parseCpus(cpus) }),
  };
}

const THROTTLES = {
  deviceReadBps: "BlkioDeviceReadBps",
  deviceReadIops: "BlkioDeviceReadIOps",
  deviceWriteBps: "BlkioDeviceWriteBps",
  deviceWriteIops: "BlkioDeviceWriteIOps",
} as const;

function throttles(inputs: PropertyMap): Record<string, unknown> {
  const entries = Object.entries(THROTTLES).map(([key, name]) =>
    given(
      name,
      list(inputs[key]).map(({ path, rate }) => ({ Path: textOf(path), Rate: Number(rate) })),
    ),
  );
  return Object.assign({}, ...entries) as Record<string, unknown>;
}

/** The properties whose change makes the provider call `docker update`; a change of any other in place does nothing. */
export const UPDATED_LIVE = [
  "restart",
  "maxRetryCount",
  "cpuShares",
  "memory",
  "memoryReservation",
  "cpuSet",
  "memorySwap",
  ...Object.keys(THROTTLES),
];

/** The body of /containers/ID/update: all of these at once, whichever changed. */
export function updateBody(inputs: PropertyMap): Record<string, unknown> {
  return {
    CpuShares: number(inputs["cpuShares"]),
    Memory: number(inputs["memory"]) * MIB,
    MemoryReservation: number(inputs["memoryReservation"]) * MIB,
    CpusetCpus: textOf(inputs["cpuSet"]),
    ...given("MemorySwap", swapOf(inputs)),
    ...throttles(inputs),
    RestartPolicy: restartPolicy(inputs),
  };
}

function restartPolicy(inputs: PropertyMap): { Name: string; MaximumRetryCount: number } {
  return { Name: textOf(inputs["restart"]), MaximumRetryCount: number(inputs["maxRetryCount"]) };
}

/** MiB, but for -1, which is "no limit". */
function swapOf(inputs: PropertyMap): number {
  const swap = number(inputs["memorySwap"]);
  return swap > 0 ? swap * MIB : swap;
}

function healthcheckOf(check: PropertyMap): Required<ContainerCreateOptions>["Healthcheck"] {
  const duration = (key: string): number => parseDuration(textOf(check[key] ?? "0s"));
  return {
    Test: strings(check["tests"]),
    Interval: duration("interval"),
    Timeout: duration("timeout"),
    StartPeriod: duration("startPeriod"),
    ...given("StartInterval", duration("startInterval")),
    Retries: number(check["retries"]),
  };
}

function mountOf(mount: PropertyMap, apiVersion: string): MountSettings {
  const { type, target, source, readOnly, bindOptions, volumeOptions, tmpfsOptions } = mount;
  const settings: Record<string, unknown> = {
    Type: textOf(type),
    Target: textOf(target),
    Source: textOf(source),
    ReadOnly: readOnly === true,
  };
  if (type === "bind" && isMap(bindOptions))
    settings["BindOptions"] = { Propagation: textOf(bindOptions["propagation"]) };
  if (type === "tmpfs" && isMap(tmpfsOptions)) {
    const { sizeBytes, mode } = tmpfsOptions;
    settings["TmpfsOptions"] = { ...given("SizeBytes", number(sizeBytes)), ...given("Mode", number(mode)) };
  }
  if (type === "volume" && isMap(volumeOptions)) {
    // The provider reads `subpath` whether it is set or not, so on an older Docker no volume option works.
    if (apiVersion < SUBPATH_API)
      throw new EngineError("Setting VolumeOptions.Subpath requires docker version 1.45 or higher");
    const { noCopy, labels, driverName, driverOptions, subpath } = volumeOptions;
    settings["VolumeOptions"] = {
      NoCopy: noCopy === true,
      Labels: labelsOf(labels),
      DriverConfig: { Name: textOf(driverName), Options: stringMap(driverOptions) },
      ...given("Subpath", textOf(subpath)),
    };
  }
  return settings as unknown as MountSettings;
}

function volumesOf(volumes: PropertyMap[]): {
  paths: Record<string, object>;
  binds: string[];
  from: string[];
} {
  const paths: Record<string, object> = {};
  const binds: string[] = [];
  const from: string[] = [];
  for (const volume of volumes) {
    const [container, path, name, hostPath, relabel] = [
      "fromContainer",
      "containerPath",
      "volumeName",
      "hostPath",
      "selinuxRelabel",
    ].map((key) => textOf(volume[key])) as [string, string, string, string, string];
    if (container === "" && path === "")
      throw new EngineError(
        "Unable to parse volumes: volume entry without container path or source container",
      );
    if (container !== "" && path !== "")
      throw new EngineError(
        "Unable to parse volumes: both a container and a path specified in a volume entry",
      );
    if (container !== "") {
      from.push(container);
      continue;
    }
    paths[path] = {};
    const source = hostPath || name;
    const mode = [volume["readOnly"] === true ? "ro" : "rw", ...(relabel === "" ? [] : [relabel])].join(",");
    if (source !== "") binds.push(`${source}:${path}:${mode}`);
  }
  return { paths, binds, from };
}

interface Ports {
  exposed: Record<string, object>;
  bindings: Record<string, { HostPort: string; HostIp: string }[]>;
}

function portsOf(ports: PropertyMap[]): Ports {
  const exposed: Ports["exposed"] = {};
  const bindings: Ports["bindings"] = {};
  for (const { internal, external, ip, protocol } of ports) {
    const port = `${textOf(internal)}/${textOf(protocol ?? "tcp")}`;
    exposed[port] = {};
    // Port 0 is "any".
    (bindings[port] ??= []).push({ HostPort: `${number(external)}`, HostIp: textOf(ip ?? "0.0.0.0") });
  }
  return { exposed, bindings };
}

function deviceOf({
  hostPath,
  containerPath,
  permissions,
}: PropertyMap): Required<HostConfig>["Devices"][number] {
  return {
    PathOnHost: textOf(hostPath),
    PathInContainer: textOf(containerPath) || textOf(hostPath),
    CgroupPermissions: textOf(permissions ?? "rwm"),
  };
}

type DeviceRequest = NonNullable<HostConfig["DeviceRequests"]>[number];

function deviceRequests(inputs: PropertyMap): DeviceRequest[] {
  const gpus = textOf(inputs["gpus"]).replace(/^["'\s]+|["'\s]+$/g, "");
  if (gpus !== "") return [gpuRequest(gpus)];
  return list(inputs["deviceRequests"]).map(({ driver, count, deviceIds, capabilities, options }) => ({
    Driver: textOf(driver ?? "cdi"),
    Count: number(count),
    DeviceIDs: strings(deviceIds),
    Capabilities: [strings(capabilities)],
    Options: stringMap(options),
  }));
}

/** `--gpus` as far as one value says it: `all`, a number, or `device=ID`. */
function gpuRequest(gpus: string): DeviceRequest {
  const shared = { Driver: "", Capabilities: [["gpu"]], Options: {} };
  const device = /^device=([^,]+)$/.exec(gpus)?.[1];
  if (device !== undefined) return { ...shared, Count: 0, DeviceIDs: [device] };
  if (gpus === "all" || /^\d+$/.test(gpus)) return { ...shared, Count: gpus === "all" ? -1 : Number(gpus) };
  throw new EngineError(
    `the local engine does not serve gpus: ${gpus} (all, a number or device=ID; else deviceRequests)`,
  );
}

/** `systempaths=unconfined` is not the daemon's: the client turns it into two empty lists. */
function securityOf(options: string[]): HostConfig {
  const others = options.filter((option) => option !== "systempaths=unconfined");
  const unmasked = others.length < options.length ? { MaskedPaths: [], ReadonlyPaths: [] } : {};
  return { ...given("SecurityOpt", others), ...unmasked };
}

export function labelsOf(labels: Value | undefined): Record<string, string> {
  return Object.fromEntries(list(labels).map(({ label, value }) => [textOf(label), textOf(value)]));
}

export function stringMap(value: Value | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(isMap(value) ? value : {}).map(([key, item]) => [key, textOf(item)]),
  );
}

export function strings(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.map(textOf) : [];
}

export function list(value: Value | undefined): PropertyMap[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

export function number(value: Value | undefined): number {
  return Number(value ?? 0);
}

/** A property that is left out when it is empty. */
export function given<K extends string, V>(key: K, value: V): { [key in K]?: V } {
  const isEmpty =
    value === "" ||
    value === 0 ||
    (typeof value === "object" && value !== null && Object.keys(value).length === 0);
  return (isEmpty ? {} : { [key]: value }) as { [key in K]?: V };
}
