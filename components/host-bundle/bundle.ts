/**
 * What a component sends to a host: the settled state of one part of it. docs/bundle.md describes every section;
 * the names here are the names there.
 */
export interface Bundle {
  /** `[a-z][a-z0-9-]{0,62}`; the bundle's identity on its host. */
  readonly name: string;
  /**
   * A change of it could cut the operator off, so it goes back by itself unless a new connection confirms it in so many
   * seconds.
   */
  readonly confirmSeconds?: number;
  /** Its text is a secret: it is kept as one, and neither it nor its digest is shown anywhere. */
  readonly secret?: boolean;
  /** By setting path: what the host must have before anything changes. */
  readonly requires?: Readonly<Record<string, BundleRequirement>>;
  readonly files?: Readonly<Record<string, BundleFile>>;
  readonly folders?: Readonly<Record<string, BundleFolder>>;
  /** JSON files of the owner's into which keys are merged. */
  readonly json?: Readonly<Record<string, BundleJson>>;
  /** Debian packages that must be installed. */
  readonly packages?: readonly (string | BundlePackage)[];
  /** Packages of bundles that follow on the same host, which come with this one's by one run of apt. */
  readonly ahead?: readonly PackageAhead[];
  /** Units of older tools that are taken over, and the tool's name for the operator. */
  readonly replaces?: Readonly<Record<string, string>>;
  /** Files of the user's that are copied before their tool is taken over. */
  readonly backups?: Readonly<Record<string, string>>;
  readonly units?: Readonly<Record<string, BundleUnit>>;
  /** By unit: how it proves that it is well, after each start and each new revision. */
  readonly ready?: Readonly<Record<string, BundleReadiness>>;
  /** By unit: whose drop-in hides or closes parts of the host to it, and where to open them. */
  readonly hardening?: Readonly<Record<string, BundleHardening>>;
  /** By name: containers that belong to the bundle. The docker provider makes them; they go with the bundle. */
  readonly containers?: Readonly<Record<string, BundleContainer>>;
  /** By name: Docker networks of the bundle. */
  readonly networks?: Readonly<Record<string, BundleNetwork>>;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly swapFiles?: Readonly<Record<string, BundleSwapFile>>;
  readonly zram?: Readonly<Record<string, BundleZram>>;
  readonly ioSchedulers?: Readonly<Record<string, string>>;
  readonly readAhead?: Readonly<Record<string, BundleReadAhead>>;
  /** By unit: what its dockerd must say of itself. */
  readonly docker?: Readonly<Record<string, BundleDocker>>;
  readonly limits?: Readonly<Record<string, Limits>>;
}

/** Time for one new connection: what a bundle that needs its confirmation usually gives it. */
export const CONFIRM_SECONDS = 120;

/** By the setting that asks for it: what the host must have. */
export interface BundleRequirement {
  /** A CPU list that must be online. */
  readonly cores?: string;
  /** A program on the host's PATH, and what to do where it is missing. */
  readonly program?: string;
  readonly remedy?: string;
  /** GPUs of a vendor, with commas between them: by number, UUID or node. */
  readonly gpus?: string;
  readonly vendor?: "nvidia" | "amd";
  /** A file that must be there, and the `remedy` where it is not. */
  readonly file?: string;
  /**
   * A unit that must not be the owner's where this bundle is the first to have it, at whose address (`listen`, of loopback) nobody
   * else may answer, and whose `package`, which this project brings, must not have a `folder` of the owner's to delete when it goes.
   */
  readonly vacant?: string;
  readonly listen?: string;
  readonly package?: string;
  readonly folder?: string;
  /** A device node, the `remedy` where it is missing, and the groups of one who opens it and is not root, by number. */
  readonly device?: string;
  readonly groups?: string;
  /**
   * Percent of the memory by which `unit` decides: before less is available, caches must give way that the kernel does not
   * count as available (ZFS's).
   */
  readonly available?: string;
  readonly unit?: string;
}

export interface BundleFile {
  readonly content: string;
  /** Four octal digits. */
  readonly mode: string;
  /** `uid:gid`. Default: root's. */
  readonly owner?: string;
  /** The content holds tokens that the host resolves. */
  readonly expand?: boolean;
}

export interface BundleFolder {
  /** Four octal digits. Default: 0755 for a new folder, as it is for another. */
  readonly mode?: string;
  /** `user:group`, by name or by number. Default: root's for a new folder, as it is for another. */
  readonly owner?: string;
  /** What is in it is the user's, which a removal says. */
  readonly data?: boolean;
  /** It must be on a filesystem other than the root's. */
  readonly mount?: "required";
  /** Path of the folder's settings: `path`, `owner` and `mount` are below it. */
  readonly setting: string;
}

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface BundleJson {
  /** The keys that the file must have, at any depth. */
  readonly content: Readonly<Record<string, Json>>;
  /** Top-level keys that the file's units take over by a reload. A change of others restarts them. */
  readonly reloads?: readonly string[];
  /** What the file holds, beside the rest, while its units restart. */
  readonly restartWith?: Readonly<Record<string, Json>>;
  /** The setting that errors name. */
  readonly setting: string;
}

export interface BundlePackage {
  readonly name: string;
  /** Where this package is installed, the other is not wanted. */
  readonly unless?: string;
  /** Where the host has this program from elsewhere, the package is not wanted. */
  readonly program?: string;
  /** Where apt does not know the package, another one must bring the program. */
  readonly optional?: boolean;
}

/** A package that stays its own bundle's: this one brings it and knows no more of it. */
export interface PackageAhead {
  readonly name: string;
  /** Where this package is installed, the other is not wanted. */
  readonly unless?: string;
  /** Where the host has this program from elsewhere, its bundle decides what becomes of that. */
  readonly program?: string;
  /** Where apt does not know the package, nothing is missed. */
  readonly optional?: boolean;
  /** Units that it brings and its bundle configures: they do not start before. */
  readonly units?: readonly string[];
  /** Files that it brings and its bundle writes. */
  readonly files?: readonly string[];
}

export interface BundleReadAhead {
  readonly kib: number;
  /** The setting that errors name. */
  readonly setting: string;
}

export interface BundleDocker {
  readonly cgroupDriver: string;
  readonly cgroupVersion: string;
  readonly liveRestore: boolean;
  readonly loggingDriver: string;
  /** Its configuration file. */
  readonly config: string;
  /** Flags that its command line must not have, because the file sets the same. */
  readonly flags: readonly string[];
  /** The keys of `log-opts` that the logging driver knows. */
  readonly logOptions: readonly string[];
  /** The packages that it may come from; their purge would delete what it keeps. */
  readonly packages: readonly string[];
  /** The settings that errors name. */
  readonly setting: string;
}

export interface BundleUnit {
  readonly enabled?: boolean;
  readonly active?: boolean;
  /** A change of one of these files restarts the unit. */
  readonly restartOn?: readonly string[];
  /** What the main process's command line must be, its arguments joined by a space. */
  readonly cmdline?: string;
  /** The container that the unit stands for. */
  readonly container?: string;
}

export interface BundleContainer {
  /** How long it may take to stop. */
  readonly graceSeconds: number;
  /** The setting that errors name. */
  readonly setting: string;
}

export interface BundleNetwork {
  /** The name of its bridge in the kernel. */
  readonly bridge: string;
  /** The setting that errors name. */
  readonly setting: string;
}

/** One of `http` and `command` is the unit's own check; without them systemd's word is enough. */
export interface BundleReadiness {
  /** It must run: started when it does not. */
  readonly start?: boolean;
  /** A URL that answers with 2xx or 3xx. */
  readonly http?: string;
  /** A command of the host's shell, or of the container's, that exits with 0. */
  readonly command?: string;
  readonly timeoutSeconds: number;
  /** The container behind the unit. */
  readonly container?: string;
  /** Another one asks for another proof. */
  readonly revision?: string;
  /** The setting that errors name. */
  readonly setting: string;
}

/** The lists of the settings in which the host, where it finds that a path is missing, names the next value. */
export interface BundleHardening {
  /** Path of the unit's settings: `readablePaths` and `writablePaths` are below it. */
  readonly setting: string;
  /** How many values `readablePaths` has. */
  readonly readable: number;
  /** How many values `writablePaths` has. */
  readonly writable: number;
}

export interface BundleSwapFile {
  readonly sizeBytes: number;
  readonly priority: number;
  /** The setting that errors name. */
  readonly setting: string;
}

export interface BundleZram extends BundleSwapFile {
  readonly algorithm: string;
  readonly memoryLimitBytes: number;
}

/** Resource-control settings of one unit in the canonical form of docs/bundle.md. */
export type Limits = Readonly<Partial<Record<LimitName, string>>>;

export type LimitName =
  | `Memory${"Max" | "High" | "Low" | "Min" | "SwapMax"}`
  | `IO${"Read" | "Write"}${"Bandwidth" | "IOPS"}Max`
  | "CPUQuota"
  | "CPUWeight"
  | "IOWeight"
  | "AllowedCPUs"
  | "CPUAffinity"
  | "TasksMax"
  | "OOMScoreAdjust"
  | "Slice"
  | "GPUs"
  | "VRAM";
