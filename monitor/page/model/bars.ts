import { sizeOf } from "../../render/numbers";
import { type Filesystem, type Gpu, has, type Maybe, type Metrics } from "./document";
import { failureOf, notAvailable, percentText } from "./words";

/** A share of a whole, against the limit above which somebody is told. */
export interface Bar {
  /** Stays the same from one answer to the next. */
  readonly id: string;
  readonly label: string;
  /** Undefined: not measured, and `text` says why. */
  readonly ratio: number | undefined;
  /** `65%`, or what stands in its place. */
  readonly text: string;
  /** `13GB/20GB` and what else there is to it. */
  readonly notes: readonly string[];
  /** Undefined where nothing is raised. */
  readonly threshold: number | undefined;
}

/** The host's own. */
export function hostBars(metrics: Metrics): Bar[] {
  const { thresholds, filesystem, rootFilesystem } = metrics;
  const isSame = has(filesystem) && filesystem.mountpoint === "/" && !has(filesystem.problem);
  return [
    memoryBar(metrics),
    cpuBar(metrics),
    swapBar(metrics),
    diskBar("disk", filesystem, failureOf(metrics, "filesystem"), thresholds?.["disk"]),
    ...(isSame ? [] : [diskBar("root", rootFilesystem, failureOf(metrics, "rootfs"), thresholds?.["disk"])]),
    ...sliceBar(metrics),
    ...(metrics.gpus ?? []).flatMap((gpu) => gpuBars(gpu)),
    ...gpusMissing(metrics),
  ];
}

export function bar(
  id: string,
  label: string,
  ratio: Maybe<number>,
  {
    why,
    threshold,
    notes = [],
  }: { why?: Maybe<string>; threshold?: Maybe<number>; notes?: readonly string[] },
): Bar {
  return {
    id,
    label,
    ratio: ratio ?? undefined,
    text: percentText(ratio) ?? notAvailable(why),
    notes,
    threshold: threshold ?? undefined,
  };
}

/** `13GB/20GB`; nothing where either is not known. */
export function ofWhole(used: Maybe<number>, whole: Maybe<number>): string[] {
  return has(used) && has(whole) ? [sizeOf(used, whole)] : [];
}

function memoryBar(metrics: Metrics): Bar {
  const { memory, thresholds } = metrics;
  return bar("memory", "Memory", memory?.usedRatio, {
    why: failureOf(metrics, "memory"),
    threshold: thresholds?.["memory"],
    notes: ofWhole(memory?.usedBytes, memory?.totalBytes),
  });
}

function cpuBar(metrics: Metrics): Bar {
  const { cpu, load, thresholds } = metrics;
  const loads = [load?.one, load?.five, load?.fifteen].filter(has);
  return bar("cpu", "CPU", cpu?.usedRatio, {
    why: failureOf(metrics, "cpu") ?? (has(cpu) ? "needs a second sample" : undefined),
    threshold: thresholds?.["cpu"],
    notes: [
      ...(has(cpu?.online) ? [`${cpu.online} online`] : []),
      loads.length === 0 ? `load ${notAvailable(failureOf(metrics, "load"))}` : `load ${loads.join(" ")}`,
    ],
  });
}

/** Its threshold is for the disk's; a full zram is what zram is for. */
function swapBar(metrics: Metrics): Bar {
  const { swap, thresholds } = metrics;
  if (has(swap) && swap.sizeBytes === 0)
    return { id: "swap", label: "Swap", ratio: undefined, text: "none", notes: [], threshold: undefined };
  const judged = swap?.judgedRatio;
  const isOther = has(judged) && judged !== swap?.usedRatio;
  return bar("swap", "Swap", swap?.usedRatio, {
    why: failureOf(metrics, "swap"),
    threshold: has(judged) && !isOther ? thresholds?.["swap"] : undefined,
    notes: [
      ...ofWhole(swap?.usedBytes, swap?.sizeBytes),
      ...(has(swap) && !has(judged) ? ["zram alone raises no alert"] : []),
      ...(isOther
        ? [`on disk ${percentText(judged)}, alert above ${percentText(thresholds?.["swap"])}`]
        : []),
    ],
  });
}

function diskBar(id: string, disk: Maybe<Filesystem>, why: Maybe<string>, threshold: Maybe<number>): Bar {
  const { files, filesFree } = disk?.space ?? {};
  const inodes = has(files) && has(filesFree) && files > 0 ? (files - filesFree) / files : undefined;
  return bar(id, `Disk ${disk?.path ?? (id === "root" ? "/" : "of the models")}`, disk?.usedRatio, {
    why: disk?.problem ?? why,
    threshold,
    notes: [
      ...ofWhole(disk?.usedBytes, disk?.space?.sizeBytes),
      ...(inodes === undefined ? [] : [`inodes ${percentText(inodes)}`]),
      ...(disk?.remountedReadOnly === true ? ["read-only after an error"] : []),
    ],
  });
}

function sliceBar({ slice, thresholds }: Metrics): Bar[] {
  if (!has(slice)) return [];
  return [
    bar("slice", "All AI services", slice.usedRatio, {
      why: has(slice.limitBytes) ? undefined : `${slice.name ?? "their slice"} has no limit`,
      threshold: thresholds?.["service"],
      notes: ofWhole(slice.usedBytes, slice.limitBytes),
    }),
  ];
}

function gpuBars(gpu: Gpu): Bar[] {
  const { index, name, memoryUsedBytes: used, memoryTotalBytes: all, problem } = gpu;
  const id = `gpu${index ?? ""}`;
  const about = { why: problem ?? "the driver does not tell" };
  const ratio = has(used) && has(all) && all > 0 ? used / all : undefined;
  return [
    bar(id, `GPU ${index ?? ""}`, gpu.utilizationRatio, {
      ...about,
      notes: [
        ...(has(name) ? [name] : []),
        ...(has(gpu.temperatureCelsius) ? [`${gpu.temperatureCelsius} °C`] : []),
        ...powerNote(gpu),
      ],
    }),
    bar(`${id}-vram`, `GPU ${index ?? ""} VRAM`, ratio, { ...about, notes: ofWhole(used, all) }),
  ];
}

function powerNote({ powerWatts, powerLimitWatts }: Gpu): string[] {
  if (!has(powerWatts)) return [];
  const limit = has(powerLimitWatts) ? ` of ${Math.round(powerLimitWatts)}` : "";
  return [`${Math.round(powerWatts)}${limit} W`];
}

/** A host without a GPU has no bar; one whose driver fails has one that says so. */
function gpusMissing(metrics: Metrics): Bar[] {
  const why = failureOf(metrics, "gpu");
  return why === undefined ? [] : [bar("gpu-missing", "GPUs", undefined, { why })];
}
