/** The properties of docker:index/container:Container, as provider 5.2.0 plans them. */

import type { PropertyMap, Value } from "../../values";
import type { Attribute, Schema } from "./schema";

const string = (more: Partial<Attribute> = {}): Attribute => ({ kind: "string", ...more });
const int = (more: Partial<Attribute> = {}): Attribute => ({ kind: "int", ...more });
const bool = (more: Partial<Attribute> = {}): Attribute => ({ kind: "bool", ...more });
const strings = (kind: "list" | "set", more: Partial<Attribute> = {}): Attribute => ({ kind, ...more });
const map = (more: Partial<Attribute> = {}): Attribute => ({ kind: "map", ...more });

const replace = { replace: true } as const;
const computed = { replace: true, computed: true } as const;

export const labelSchema: Schema = { label: string({ required: true }), value: string({ required: true }) };

const mounts: Schema = {
  target: string({ required: true }),
  source: string(),
  type: string({ required: true, pattern: /^(bind|volume|tmpfs)$/ }),
  readOnly: bool(),
  bindOptions: {
    kind: "block",
    of: { propagation: string({ pattern: /^(private|rprivate|shared|rshared|slave|rslave)$/ }) },
  },
  volumeOptions: {
    kind: "block",
    of: {
      noCopy: bool(),
      labels: { kind: "set", of: labelSchema },
      driverName: string(),
      driverOptions: map(),
      subpath: string(),
    },
  },
  tmpfsOptions: { kind: "block", of: { sizeBytes: int(), mode: int() } },
};

const volumes: Schema = {
  fromContainer: string(),
  containerPath: string(),
  hostPath: string({ pattern: /^[a-zA-Z]:[\\/]|^\// }),
  volumeName: string(),
  readOnly: bool(),
  selinuxRelabel: string({ pattern: /^(z|Z)$/ }),
};

const ports: Schema = {
  internal: int({ required: true }),
  external: int(),
  ip: string({ default: "0.0.0.0" }),
  protocol: string({ default: "tcp" }),
};

/** In any order; a port whose external side the program leaves to Docker is whatever Docker chose. */
function samePorts(before: Value, after: Value): boolean {
  const [old, now] = [before, after].map((list) => (list as PropertyMap[]).map((port) => ({ ...port })));
  if (old === undefined || now === undefined || old.length !== now.length) return false;
  return now.every((port) => {
    const at = old.findIndex(
      ({ internal, external, ip, protocol }) =>
        internal === port["internal"] &&
        ip === port["ip"] &&
        protocol === port["protocol"] &&
        (port["external"] === 0 || external === port["external"]),
    );
    return at >= 0 && old.splice(at, 1).length === 1;
  });
}

const rate: Attribute = {
  kind: "set",
  of: { path: string({ required: true }), rate: int({ required: true, least: 0 }) },
};

const networksAdvanced: Schema = {
  name: string({ required: true }),
  aliases: strings("set"),
  ipv4Address: string(),
  ipv6Address: string(),
  linkLocalIps: strings("set"),
  macAddress: string(),
  driverOpts: strings("set"),
  gwPriority: int({ unserved: true }),
};

const duration = string({ default: "0s", pattern: /^(0|(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+)$/ });

export const healthcheckSchema: Schema = {
  tests: strings("list"),
  interval: duration,
  timeout: duration,
  startPeriod: duration,
  startInterval: duration,
  retries: int({ default: 0, least: 0 }),
};

export const containerSchema: Schema = {
  attach: bool({ default: false }),
  bridge: string({ output: true }),
  capabilities: { kind: "block", of: { adds: strings("set"), drops: strings("set") }, ...replace },
  cgroupParent: string(replace),
  cgroupnsMode: string({ ...replace, pattern: /^(private|host|)$/ }),
  command: strings("list", computed),
  containerLogs: string({ output: true }),
  containerReadRefreshTimeoutMilliseconds: int({ default: 15000 }),
  cpuPeriod: int({ least: 0 }),
  cpuQuota: int({ least: 0 }),
  cpuSet: string({ pattern: /^\d+([,-]\d+)*$/ }),
  cpuShares: int({ least: 0 }),
  cpus: string(replace),
  destroyGraceSeconds: int(),
  deviceCgroupRules: strings("set", { unserved: true }),
  deviceReadBps: rate,
  deviceReadIops: rate,
  deviceRequests: {
    kind: "set",
    of: {
      driver: string({ default: "cdi" }),
      count: int({ default: 0 }),
      deviceIds: strings("set"),
      capabilities: strings("set"),
      options: map(),
    },
    ...replace,
  },
  deviceWriteBps: rate,
  deviceWriteIops: rate,
  devices: {
    kind: "set",
    of: {
      hostPath: string({ required: true }),
      containerPath: string(),
      permissions: string({ default: "rwm" }),
    },
    ...replace,
  },
  dns: strings("set", replace),
  dnsOpts: strings("set", replace),
  dnsSearches: strings("set", replace),
  domainname: string(replace),
  entrypoints: strings("list", computed),
  envs: strings("set", computed),
  exitCode: int({ output: true }),
  gpus: string(replace),
  groupAdds: strings("set", replace),
  // The three without `replace` below (healthcheck, init, tmpfs) are updates that the provider does not carry out.
  healthcheck: { kind: "block", of: healthcheckSchema, computed: true },
  hostname: string(computed),
  hosts: {
    kind: "set",
    of: { host: string({ required: true }), ip: string({ required: true }) },
    ...replace,
  },
  image: string({ required: true, ...replace }),
  init: bool({ computed: true }),
  ipcMode: string(computed),
  labels: { kind: "set", of: labelSchema, ...computed },
  logDriver: string(computed),
  logOpts: map(replace),
  logs: bool({ default: false }),
  maxRetryCount: int(),
  memory: int({ least: 0 }),
  memoryReservation: int({ default: 0, least: 0 }),
  memorySwap: int({ least: -1 }),
  mounts: { kind: "set", of: mounts, ...replace },
  mustRun: bool({ default: true }),
  // Required here: the real provider makes one up (the resource's name and a random suffix).
  name: string({ required: true, ...replace }),
  networkDatas: { kind: "list", of: {}, output: true },
  networkMode: string({ default: "bridge", ...replace }),
  networksAdvanced: { kind: "set", of: networksAdvanced, ...replace },
  pidMode: string(replace),
  platform: string({ ...computed, unserved: true }),
  ports: { kind: "list", of: ports, same: samePorts, ...replace },
  privileged: bool(replace),
  publishAllPorts: bool(replace),
  readOnly: bool({ default: false, ...replace }),
  removeVolumes: bool({ default: true }),
  restart: string({ default: "no", pattern: /^(no|on-failure|always|unless-stopped)$/ }),
  rm: bool({ default: false }),
  runtime: string(computed),
  securityOpts: strings("set", computed),
  shmSize: int({ ...computed, least: 0 }),
  start: bool({ default: true }),
  stdinOpen: bool({ default: false, ...replace }),
  stopSignal: string(computed),
  stopTimeout: int(computed),
  storageOpts: map(replace),
  sysctls: map(replace),
  tmpfs: map(),
  tty: bool({ default: false, ...replace }),
  ulimits: {
    kind: "set",
    of: { name: string({ required: true }), soft: int({ required: true }), hard: int({ required: true }) },
    ...replace,
  },
  uploads: { kind: "set", unserved: true },
  user: string({ ...replace, emptyIsUnset: true }),
  usernsMode: string(replace),
  volumes: { kind: "set", of: volumes, ...replace },
  wait: bool({ default: false }),
  waitTimeout: int({ default: 60 }),
  workingDir: string({ ...replace, emptyIsUnset: true }),
};
