import { ParseError } from "./text";

/** What `nvidia-smi --query-gpu` is asked for; the order is the order of {@link parseGpuLine}. */
export const GPU_FIELDS = [
  "index",
  "uuid",
  "name",
  "driver_version",
  "utilization.gpu",
  "memory.total",
  "memory.used",
  "temperature.gpu",
  "power.draw",
  "power.limit",
  "mig.mode.current",
] as const;

/** What `nvidia-smi --query-compute-apps` is asked for. */
export const GPU_PROCESS_FIELDS = ["gpu_uuid", "pid", "used_gpu_memory"] as const;

/** One GPU. What its driver does not tell (`[N/A]`, `[Not Supported]`) is undefined, never 0. */
export interface Gpu {
  readonly index: string;
  readonly uuid: string;
  readonly name: string;
  readonly driverVersion: string;
  readonly utilizationRatio: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly temperatureCelsius: number | undefined;
  readonly powerWatts: number | undefined;
  readonly powerLimitWatts: number | undefined;
  /** Split into instances (MIG): utilization is then not told for the whole. */
  readonly mig: boolean;
  /** Why the driver cannot reach it, in its own words; undefined where it does. */
  readonly problem: string | undefined;
}

export interface GpuProcess {
  readonly gpuUuid: string;
  readonly pid: number;
  readonly memoryUsedBytes: number;
}

const MIB = 2 ** 20;

/** What the driver has in the place of numbers of a card that it cannot reach any more. */
const LOST = /^\[?(GPU is lost|GPU requires reset)\]?$/i;
/** What it has where it fails to read one: of the power of a healthy card, too. */
const FAILED = /^\[?(Unknown Error|ERR!)\]?$/i;

/**
 * A line of `--format=csv,noheader,nounits`: MiB, percent, watts. A line that is not whole is an error. A driver from before
 * MIG is asked for all but the last of GPU_FIELDS.
 */
export function parseGpuLine(line: string): Gpu {
  const fields = line.split(",").map((field) => field.trim());
  const [index = "", uuid = "", name = "", driverVersion = "", ...rest] = fields;
  const missing = GPU_FIELDS.length - fields.length;
  if (missing < 0 || missing > 1 || !/^[0-9]+$/.test(index) || uuid === "") {
    throw new ParseError(`nvidia-smi: not a line of ${GPU_FIELDS.length} fields: ${JSON.stringify(line)}`);
  }
  const [utilization, total, used, temperature, draw, limit, mig] = rest;
  return {
    index,
    uuid,
    name,
    driverVersion,
    utilizationRatio: scaled(utilization, 1 / 100),
    memoryTotalBytes: scaled(total, MIB),
    memoryUsedBytes: scaled(used, MIB),
    temperatureCelsius: scaled(temperature, 1),
    powerWatts: scaled(draw, 1),
    powerLimitWatts: scaled(limit, 1),
    mig: mig === "Enabled",
    problem: problemOf(fields.slice(1), [uuid, name, utilization, total, used]),
  };
}

/** @param vital what a card tells as long as it works */
function problemOf(fields: readonly string[], vital: readonly (string | undefined)[]): string | undefined {
  return (
    fields.find((field) => LOST.test(field)) ??
    vital.find((field) => field !== undefined && (LOST.test(field) || FAILED.test(field)))
  );
}

/** A line of the processes; a process whose memory the driver does not tell is undefined. */
export function parseGpuProcessLine(line: string): GpuProcess | undefined {
  const [gpuUuid, pid, used, ...more] = line.split(",").map((field) => field.trim());
  if (
    gpuUuid === undefined ||
    pid === undefined ||
    used === undefined ||
    more.length > 0 ||
    !/^[0-9]+$/.test(pid)
  ) {
    throw new ParseError(`nvidia-smi: not a line of a process: ${JSON.stringify(line)}`);
  }
  const memoryUsedBytes = scaled(used, MIB);
  return memoryUsedBytes === undefined ? undefined : { gpuUuid, pid: Number(pid), memoryUsedBytes };
}

function scaled(field: string | undefined, factor: number): number | undefined {
  return field !== undefined && /^[0-9]+(\.[0-9]+)?$/.test(field) ? Number(field) * factor : undefined;
}
