import { ownCgroup } from "../render/tokens";
import { type Directive, replacing } from "../render/unit-file";
import { gpuDevices, isListed } from "./gpu-devices";
import type { Gpu } from "./gpu-schema";
import { isInHome, isTemporary } from "./named-paths";

/** Every directive that a profile may set, and so every name that `hardening.except` accepts. */
export const HARDENING_DIRECTIVES = [
  "CapabilityBoundingSet",
  "DevicePolicy",
  "KeyringMode",
  "LockPersonality",
  "NoNewPrivileges",
  "PrivateDevices",
  "PrivateMounts",
  "PrivateTmp",
  "ProtectClock",
  "ProtectControlGroups",
  "ProtectHome",
  "ProtectHostname",
  "ProtectKernelLogs",
  "ProtectKernelModules",
  "ProtectKernelTunables",
  "ProtectProc",
  "ProtectSystem",
  "RestrictAddressFamilies",
  "RestrictNamespaces",
  "RestrictRealtime",
  "RestrictSUIDSGID",
  "SystemCallArchitectures",
  "SystemCallFilter",
] as const;
export type HardeningDirective = (typeof HARDENING_DIRECTIVES)[number];

export interface Hardening {
  readonly profile: "standard" | "gpu" | "none";
  readonly except: readonly HardeningDirective[];
  /** Folders the service may write to. */
  readonly writablePaths: readonly string[];
  /** Files and folders of which reading is enough. */
  readonly readablePaths: readonly string[];
  /** Files and folders that the workload's own settings name. */
  readonly namedPaths: readonly string[];
  /** The program, which needs what lies around it. */
  readonly program?: string | undefined;
  /** The GPUs that the profile gpu leaves visible. Without them: all. */
  readonly gpu: Pick<Gpu, "vendor" | "devices"> | undefined;
  /** Its cgroup, where it is to see that alone, and no other of the host's. Default: it sees all of them. */
  readonly cgroup?: string | undefined;
}

/**
 * The directives of a profile. Measured with `systemd-analyze security` of systemd 252: at most 3.0 for a
 * service that runs as root, less for one with its own user. What inference needs is left in: memory-mapped
 * models, mlock, threads pinned to cores, netlink (Go lists interfaces with it), and writable-executable memory
 * (V8 and CUDA compile at run time). UMask= stays, for models are shared between services.
 */
export function hardeningDirectives(hardening: Hardening): Directive[] {
  const { profile, except } = hardening;
  if (profile === "none") return [];
  const directives: Directive[] = [
    // A service that runs as root keeps what it needs to own its files and to become another user.
    ...replacing(
      "CapabilityBoundingSet",
      "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID",
    ),
    ["KeyringMode", "private"],
    ["LockPersonality", "yes"],
    ["NoNewPrivileges", "yes"],
    ["PrivateMounts", "yes"],
    ["PrivateTmp", "yes"],
    ["ProtectClock", "yes"],
    controlGroups(hardening),
    ["ProtectHome", homeProtection(hardening)],
    ["ProtectHostname", "yes"],
    ["ProtectKernelLogs", "yes"],
    ["ProtectKernelModules", "yes"],
    ["ProtectKernelTunables", "yes"],
    ["ProtectProc", "invisible"],
    ["ProtectSystem", "strict"],
    ...replacing("RestrictAddressFamilies", "AF_INET AF_INET6 AF_NETLINK AF_UNIX"),
    ["RestrictNamespaces", "yes"],
    ["RestrictRealtime", "yes"],
    ["RestrictSUIDSGID", "yes"],
    ...replacing("SystemCallArchitectures", "native"),
    ...replacing("SystemCallFilter", "@system-service"),
    ...(profile === "gpu" ? [] : [["PrivateDevices", "yes"] as const]),
  ];
  const left = leavesDevices(hardening) ? [...except, "ProtectClock"] : except;
  const kept = directives.filter(([name]) => !left.some((excepted) => excepted === name));
  return [...kept, ...companions(hardening, kept), ...deviceList(hardening)];
}

/**
 * Whether it leaves devices alone. ProtectClock= goes with that: it opens a device list with only the clock in it, which
 * closes every other device (systemd.exec(5), DevicePolicy=auto of systemd.resource-control(5)).
 */
function leavesDevices({ profile, except }: Pick<Hardening, "profile" | "except">): boolean {
  return except.includes(profile === "gpu" ? "DevicePolicy" : "PrivateDevices");
}

/** Read-only either way. */
function controlGroups({ cgroup }: Hardening): Directive {
  if (cgroup === undefined) return ["ProtectControlGroups", "yes"];
  const why = "Its memory.max and memory.current are read in /sys/fs/cgroup, which is its own cgroup.";
  return ["ProtectControlGroups", ownCgroup(cgroup), why];
}

/** What only makes sense beside another directive. */
function companions(hardening: Hardening, kept: readonly Directive[]): Directive[] {
  const { profile, except } = hardening;
  const has = (name: string) => kept.some(([directive]) => directive === name);
  return [
    ...openedPaths(hardening, has),
    // A refused system call is an error to the program, not its death.
    ...(has("SystemCallFilter") ? [["SystemCallErrorNumber", "EPERM"] as const] : []),
    ...(except.includes("DevicePolicy") ? [] : devicePolicy(profile, has)),
  ];
}

/** What is shown where the rest is hidden, and what may be written where the rest is read-only. */
function openedPaths(hardening: Hardening, has: (name: string) => boolean): Directive[] {
  const { writablePaths, readablePaths, namedPaths } = hardening;
  const isHidden = (path: string) =>
    (has("ProtectHome") && homeProtection(hardening) === "tmpfs" && isInHome(path)) ||
    (has("PrivateTmp") && isTemporary(path));
  const written = writablePaths.filter(
    (path) => has("ProtectSystem") || (has("ProtectHome") && isInHome(path)),
  );
  // Of two directives for one path the stricter would hold.
  const read = readablePaths.filter((path) => !writablePaths.includes(path));
  const shown = outermost([...read, ...namedPaths].filter(isHidden));
  return [
    ...listed("BindReadOnlyPaths", shown),
    ...listed("ReadOnlyPaths", has("ProtectSystem") ? read.filter((path) => !isHidden(path)) : []),
    ...listed("ReadWritePaths", written),
  ];
}

/** The leading dash ignores a path that does not exist. */
function listed(name: string, paths: readonly string[]): Directive[] {
  return paths.length === 0 ? [] : [[name, paths.map((path) => `-${path}`).join(" ")]];
}

/** Without those that lie in another one of them. */
function outermost(paths: readonly string[]): string[] {
  return [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

/** ProtectClock= alone would open a device list with only the clock in it: the policy is said outright. */
function devicePolicy(profile: string, has: (name: string) => boolean): Directive[] {
  return profile === "gpu" || has("PrivateDevices") ? [["DevicePolicy", "closed"]] : [];
}

/** Whether the kernel keeps it to its own GPUs. */
export function opensOnlyItsOwn({
  profile,
  except,
  gpu,
}: Pick<Hardening, "profile" | "except" | "gpu">): boolean {
  return profile === "gpu" && !except.includes("DevicePolicy") && gpu !== undefined && isListed(gpu);
}

function deviceList({ profile, except, gpu }: Hardening): Directive[] {
  if (profile !== "gpu" || except.includes("DevicePolicy")) return [];
  return replacing("DeviceAllow", ...gpuDevices(gpu).map((device) => `${device} rw`));
}

/**
 * A program in /home, or a folder there that is written to, keeps homes visible, read-only: a program needs its libraries,
 * which may lie anywhere beside it. Where it only reads there, it sees of homes what was opened to it and nothing else.
 */
function homeProtection({ program, writablePaths, readablePaths, namedPaths }: Hardening): string {
  if ([...(program === undefined ? [] : [program]), ...writablePaths].some(isInHome)) return "read-only";
  return [...readablePaths, ...namedPaths].some(isInHome) ? "tmpfs" : "yes";
}
