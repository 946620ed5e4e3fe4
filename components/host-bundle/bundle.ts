/**
 * What a component sends to a host: the settled state of one part of it. docs/bundle.md describes every section;
 * the names here are the names there.
 */
export interface Bundle {
  /** `[a-z][a-z0-9-]{0,62}`; the bundle's identity on its host. */
  readonly name: string;
  /** By setting path: what the host must have before anything changes. */
  readonly requires?: Readonly<Record<string, { readonly cores: string }>>;
  readonly files?: Readonly<Record<string, BundleFile>>;
  /** Debian packages that must be installed. */
  readonly packages?: readonly string[];
  /** Units of older tools that are taken over, and the tool's name for the operator. */
  readonly replaces?: Readonly<Record<string, string>>;
  /** Files of the user's that are copied before their tool is taken over. */
  readonly backups?: Readonly<Record<string, string>>;
  readonly units?: Readonly<Record<string, BundleUnit>>;
  /** By unit: how it proves that it is well, after each start and each new revision. */
  readonly ready?: Readonly<Record<string, BundleReadiness>>;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly swapFiles?: Readonly<Record<string, BundleSwapFile>>;
  readonly zram?: Readonly<Record<string, BundleZram>>;
  readonly ioSchedulers?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, Limits>>;
}

export interface BundleFile {
  readonly content: string;
  /** Four octal digits. */
  readonly mode: string;
  /** The content holds tokens that the host resolves. */
  readonly expand?: boolean;
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
  | "OOMScoreAdjust";
