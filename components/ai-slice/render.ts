import type { z } from "zod";
import type { Limit } from "../cgroup-service/limits";
import { plain, size, toDirectives, toLimits, workloadLimits } from "../cgroup-service/limits";
import type { SettledWorkload } from "../cgroup-service/workload";
import { type Bundle, type BundleFile, CONFIRM_SECONDS } from "../host-bundle/bundle";
import { Size } from "../render/size";
import { dropIn } from "../render/drop-in";
import { FILE_HEADER, renderUnitFile } from "../render/unit-file";
import { renderGuard } from "./guard";
import type { ReserveSettings } from "./schema";

/** What airm.slice holds of the monitor. */
export interface MonitorShare {
  readonly memory: Size;
  /** In cores. */
  readonly cpus: number;
  /** IO weight. */
  readonly io: number;
}

export interface SlicesContext {
  /** Without it airm.slice protects what is in it and limits nothing. */
  readonly monitor?: MonitorShare;
  readonly reserve: z.output<typeof ReserveSettings>;
  /** The text of ai-resource-guard. */
  readonly guard: string;
  /** The disk that IO limits mean. */
  readonly modelsPath: string;
  /** Path of `reserve`, for the host's error messages. */
  readonly setting: string;
}

/** The share of the host's RAM that always stays with the system. */
const RESERVE_PERCENT = 10;

/** Virtual and physical disks; not the loop, zram and mapped devices on top of them. */
const DISKS = "sd[a-z]*|vd[a-z]*|xvd[a-z]*|nvme[0-9]*n[0-9]*";

/**
 * The `slices` bundle: ai.slice and the slices below it, the monitor's airm.slice, the protection of sshd and of
 * the system around it, the disk scheduler that makes IO weights count, and the guard of what stands still in a slice.
 */
export function renderSlices(workloads: readonly SettledWorkload[], context: SlicesContext): Bundle {
  const { cores } = context.reserve;
  const slices: Record<string, Limit[]> = {
    "ai.slice": aiSlice(workloads, context),
    "airm.slice": monitorSlice(cores, context.monitor),
  };
  for (const workload of workloads) slices[workload.slice] = workloadSlice(workload, context.modelsPath);
  const dropIns = protections(cores);
  const guard = renderGuard(context.guard);
  const files: Record<string, BundleFile> = {
    ...guard.files,
    "/etc/modules-load.d/goblin-bfq.conf": file(`${FILE_HEADER}bfq\n`),
    "/etc/udev/rules.d/60-goblin-io-scheduler.rules": file(renderSchedulerRule()),
  };
  for (const [slice, limits] of Object.entries(slices)) {
    files[`/etc/systemd/system/${slice}`] = { ...file(renderSlice(slice, limits)), ...expanded(limits) };
  }
  for (const [unit, limits] of Object.entries(dropIns)) {
    const section =
      { service: "Service", slice: "Slice", scope: "Scope" }[unit.split(".")[1] ?? ""] ?? "Unit";
    files[dropIn(unit)] = file(renderUnitFile({ [section]: toDirectives(limits) }));
  }
  return {
    name: "slices",
    confirmSeconds: CONFIRM_SECONDS,
    ...(cores === undefined ? {} : { requires: { [`${context.setting}.cores`]: { cores } } }),
    files,
    units: guard.units,
    ioSchedulers: { "/": "bfq", [context.modelsPath]: "bfq" },
    limits: {
      ...Object.fromEntries(
        Object.entries({ ...slices, ...dropIns }).map(([unit, limits]) => [unit, toLimits(limits)]),
      ),
      ...guard.limits,
    },
  };
}

/** All AI workloads together: never the whole of the host. */
function aiSlice(workloads: readonly SettledWorkload[], { reserve }: SlicesContext): Limit[] {
  const low = workloads.reduce((sum, { memory }) => sum.plus(memory.low), Size.ofBytes(0));
  return [
    plain("MemoryMax", `@{memory-less:${reserve.memory.bytes}:${RESERVE_PERCENT}%}`),
    // Protection counts only as far as every ancestor grants it (cgroup-v2, memory.low).
    size("MemoryLow", low),
    plain("CPUWeight", 100),
    // Model data precedes the disk traffic of other services, sshd excepted.
    plain("IOWeight", 200),
    ...(reserve.cores === undefined ? [] : [plain("AllowedCPUs", `@{cores-except:${reserve.cores}}`)]),
  ];
}

/**
 * A service's limits are on the service; its slice passes the weights and the protection on. A container's limits
 * are all on its slice, because docker exposes only some of them.
 */
function workloadSlice(workload: SettledWorkload, modelsPath: string): Limit[] {
  const limits = workloadLimits(workload, modelsPath);
  if (workload.runtime === "container") return limits;
  return limits.filter(({ name }) => name === "CPUWeight" || name === "IOWeight" || name === "MemoryLow");
}

/** The monitor is outside ai.slice, so that it sees and outlives what happens there. */
function monitorSlice(cores: string | undefined, monitor: MonitorShare | undefined): Limit[] {
  return [
    plain("CPUWeight", 200),
    size("MemoryMin", mebibytes(32)),
    ...onCores(cores),
    ...(monitor === undefined ? [] : monitorLimits(monitor)),
  ];
}

function monitorLimits({ memory, cpus, io }: MonitorShare): Limit[] {
  return [
    size("MemoryMax", memory),
    size("MemorySwapMax", Size.ofBytes(0)),
    plain("CPUQuota", `${Math.max(1, Math.round(cpus * 100))}%`),
    plain("IOWeight", io),
    plain("TasksMax", 128),
  ];
}

/**
 * What keeps the host within reach while the workloads press: sshd itself, the sessions it opens (user.slice),
 * and enough of the system for a command to run. All of it is applied live; sshd is never restarted. A weight counts among
 * siblings: on the way down from the root nothing of these weighs less than ai.slice beside it.
 */
function protections(cores: string | undefined): Record<string, Limit[]> {
  return {
    "ssh.service": [plain("CPUWeight", 1000), plain("IOWeight", 1000), size("MemoryMin", mebibytes(64))],
    "system.slice": [
      plain("CPUWeight", 200),
      plain("IOWeight", 200),
      size("MemoryMin", mebibytes(256)),
      ...onCores(cores),
    ],
    "user.slice": [
      plain("CPUWeight", 200),
      plain("IOWeight", 200),
      size("MemoryMin", mebibytes(128)),
      ...onCores(cores),
    ],
    "init.scope": [
      plain("CPUWeight", 1000),
      plain("IOWeight", 200),
      size("MemoryMin", mebibytes(32)),
      ...onCores(cores),
    ],
  };
}

function onCores(cores: string | undefined): Limit[] {
  return cores === undefined ? [] : [plain("AllowedCPUs", cores)];
}

function renderSlice(slice: string, limits: readonly Limit[]): string {
  const descriptions: Record<string, string> = {
    "ai.slice": "AI workloads of goblin-host",
    "airm.slice": "Monitor of goblin-host",
  };
  return renderUnitFile({
    Unit: [["Description", descriptions[slice] ?? `AI workload ${slice.replace(/^ai-|\.slice$/g, "")}`]],
    Slice: toDirectives(limits),
  });
}

/**
 * Weights need a scheduler that weighs. BFQ does; iocost needs a model of the disk, and its default one caps the
 * throughput of a fast virtual disk.
 */
function renderSchedulerRule(): string {
  return `${FILE_HEADER}ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="${DISKS}", ATTR{queue/scheduler}="bfq"\n`;
}

function expanded(limits: readonly Limit[]): { expand?: true } {
  return limits.some(({ inFile }) => inFile.includes("@{")) ? { expand: true } : {};
}

function mebibytes(count: number): Size {
  return Size.parse(`${count}MiB`);
}

function file(content: string): BundleFile {
  return { mode: "0644", content };
}
