/**
 * What the page reads of `/json` and `/history` (docs/monitor-json.md). Any of it may be missing: the monitor that answers may
 * be older or newer than the page, and `null` is what was not measured.
 */
export type Maybe<T> = T | null | undefined;

export interface Metrics {
  readonly schemaVersion: number;
  readonly version?: Maybe<string>;
  readonly host?: Maybe<string>;
  readonly time: string;
  readonly utcOffsetMinutes?: Maybe<number>;
  readonly intervalSeconds?: Maybe<number>;
  readonly thresholds?: Maybe<Readonly<Record<string, number>>>;
  readonly memory?: Maybe<{
    totalBytes?: Maybe<number>;
    usedBytes?: Maybe<number>;
    usedRatio?: Maybe<number>;
  }>;
  readonly swap?: Maybe<Swap>;
  readonly cpu?: Maybe<{ online?: Maybe<number>; usedRatio?: Maybe<number> }>;
  readonly load?: Maybe<{ one?: Maybe<number>; five?: Maybe<number>; fifteen?: Maybe<number> }>;
  readonly filesystem?: Maybe<Filesystem>;
  readonly rootFilesystem?: Maybe<Filesystem>;
  readonly slice?: Maybe<Part & { name?: Maybe<string>; limitBytes?: Maybe<number> }>;
  readonly services?: Maybe<readonly Service[]>;
  readonly gpus?: Maybe<readonly Gpu[]>;
  readonly verification?: Maybe<{ time?: Maybe<number>; exitCode?: Maybe<number>; findings?: Maybe<number> }>;
  readonly limits?: Maybe<
    readonly { service?: Maybe<string>; limit?: Maybe<string>; verdict?: Maybe<string> }[]
  >;
  readonly deployment?: Maybe<{ id?: Maybe<string>; watched?: Maybe<boolean>; watchedUntil?: Maybe<string> }>;
  readonly alerts?: Maybe<readonly Alert[]>;
  readonly alertLog?: Maybe<readonly string[]>;
  readonly collectors?: Maybe<readonly CollectorState[]>;
}

export interface Part {
  readonly usedBytes?: Maybe<number>;
  readonly usedRatio?: Maybe<number>;
}

export interface Swap extends Part {
  readonly sizeBytes?: Maybe<number>;
  readonly judgedRatio?: Maybe<number>;
}

export interface Filesystem extends Part {
  readonly path?: Maybe<string>;
  readonly mountpoint?: Maybe<string>;
  readonly space?: Maybe<{ sizeBytes?: Maybe<number>; files?: Maybe<number>; filesFree?: Maybe<number> }>;
  readonly problem?: Maybe<string>;
  readonly remountedReadOnly?: Maybe<boolean>;
}

export interface Service {
  readonly name: string;
  readonly runtime?: Maybe<string>;
  readonly unit?: Maybe<string>;
  readonly image?: Maybe<string>;
  /** `null`: its cgroup could not be looked for. */
  readonly up?: Maybe<boolean>;
  readonly startTime?: Maybe<string>;
  readonly restarts?: Maybe<number>;
  readonly oomKills?: Maybe<number>;
  readonly problems?: Maybe<readonly string[]>;
  readonly memory?: Maybe<Part & { limitBytes?: Maybe<number>; swapBytes?: Maybe<number> }>;
  readonly cpu?: Maybe<{
    usedRatio?: Maybe<number>;
    limitCores?: Maybe<number>;
    cpusetCores?: Maybe<number>;
  }>;
  readonly thrash?: Maybe<{ ratio?: Maybe<number> }>;
  readonly vram?: Maybe<{ usedBytes?: Maybe<number>; ratio?: Maybe<number> }>;
  readonly vramThreshold?: Maybe<number>;
  readonly models?: Maybe<readonly Model[]>;
  readonly llamaCpp?: Maybe<LlamaCpp>;
  readonly probe?: Maybe<{
    success?: Maybe<boolean>;
    durationSeconds?: Maybe<number>;
    error?: Maybe<string>;
  }>;
}

export interface Model {
  readonly name?: Maybe<string>;
  readonly memoryBytes?: Maybe<number>;
  readonly vramBytes?: Maybe<number>;
  readonly contextTokens?: Maybe<number>;
  readonly quantization?: Maybe<string>;
}

/** What a llama-server says of itself. */
export interface LlamaCpp {
  readonly sleeping?: Maybe<boolean>;
  readonly slots?: Maybe<number>;
  readonly busySlots?: Maybe<number>;
  readonly requestsDeferred?: Maybe<number>;
  readonly promptTokensPerSecond?: Maybe<number>;
  readonly predictedTokensPerSecond?: Maybe<number>;
}

export interface Gpu {
  readonly index?: Maybe<string>;
  readonly name?: Maybe<string>;
  readonly utilizationRatio?: Maybe<number>;
  readonly memoryTotalBytes?: Maybe<number>;
  readonly memoryUsedBytes?: Maybe<number>;
  readonly temperatureCelsius?: Maybe<number>;
  readonly powerWatts?: Maybe<number>;
  readonly powerLimitWatts?: Maybe<number>;
  readonly problem?: Maybe<string>;
}

export interface Alert {
  readonly message?: Maybe<string>;
  readonly severity?: Maybe<string>;
  readonly phase?: Maybe<string>;
  readonly firedAt?: Maybe<string>;
}

export interface CollectorState {
  readonly name: string;
  readonly state: string;
  readonly error?: Maybe<string>;
}

export interface PastSeries {
  readonly name: string;
  readonly service?: Maybe<string>;
  readonly gpu?: Maybe<string>;
  readonly mean: readonly (number | null)[];
  readonly max?: Maybe<readonly (number | null)[]>;
}

export interface Past {
  readonly from: string;
  readonly to: string;
  readonly time: readonly number[];
  readonly series: readonly PastSeries[];
  readonly omitted?: Maybe<number>;
}

/** Whether it was measured. */
export function has<T>(value: Maybe<T>): value is T {
  return value !== undefined && value !== null;
}

/** @throws Error for what is no answer of a monitor that this page knows */
export function readMetrics(text: string): Metrics {
  const value = JSON.parse(text) as Partial<Metrics> | null;
  if (value?.schemaVersion !== 2 || typeof value.time !== "string")
    throw new Error("the monitor answers in a form that this page does not know: load the page again");
  return value as Metrics;
}

/** @throws Error as above */
export function readPast(text: string): Past {
  const value = JSON.parse(text) as Partial<Past> | null;
  if (!Array.isArray(value?.time) || !Array.isArray(value.series))
    throw new Error("the monitor answers in a form that this page does not know: load the page again");
  return value as Past;
}
