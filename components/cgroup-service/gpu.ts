import type { BundleRequirement, Limits } from "../host-bundle/bundle";
import type { Directive } from "../render/unit-file";
import type { Gpu } from "./gpu-schema";
import { type Hardening, opensOnlyItsOwn } from "./hardening";
import type { SettledWorkload } from "./workload";

/** Its profile: with a GPU the one that leaves the GPUs' device nodes visible. */
export function hardeningOf({
  hardening,
  gpu,
}: SettledWorkload): Pick<Hardening, "profile" | "except" | "gpu"> {
  return {
    profile: hardening.profile ?? (gpu === undefined ? "standard" : "gpu"),
    except: hardening.except,
    gpu,
  };
}

/** The variables of a service. A runtime counts the GPUs that a process can open, from 0, whatever they are called elsewhere. */
export function gpuEnvironment(workload: SettledWorkload): Record<string, string> {
  const { gpu } = workload;
  return gpu === undefined ? {} : visibleDevices(gpu, opensOnlyItsOwn(hardeningOf(workload)));
}

/**
 * The variable that tells a runtime which GPUs are meant. A UUID means the same everywhere; a number is another one where
 * the others are hidden, and a render node is none at all.
 * @param onlyItsOwn whether the process can open no others
 */
export function visibleDevices({ vendor, devices }: Gpu, onlyItsOwn: boolean): Record<string, string> {
  const variable = vendor === "nvidia" ? "CUDA_VISIBLE_DEVICES" : "ROCR_VISIBLE_DEVICES";
  if (devices.every((device) => /^(GPU|MIG)-/.test(device))) return { [variable]: devices.join(",") };
  if (onlyItsOwn) return { [variable]: devices.map((_, index) => index).join(",") };
  return {
    // CUDA's own order is the fastest first; ROCm has one order only.
    ...(vendor === "nvidia" ? { CUDA_DEVICE_ORDER: "PCI_BUS_ID" } : {}),
    [variable]: devices.join(","),
  };
}

/** The groups that may open the nodes. AMD's are for root and render, or video, of the host (Debian's udev rules). */
export function gpuGroups({ gpu }: SettledWorkload): Directive[] {
  if (gpu === undefined) return [];
  const groups = [...(gpu.vendor === "amd" ? ["render", "video"] : []), ...gpu.groups];
  return groups.length === 0 ? [] : [["SupplementaryGroups", groups.join(" ")]];
}

/** What the host is asked before anything changes: whether it has these cards. */
export function gpuRequirement(
  { gpu }: SettledWorkload,
  setting: string,
): Readonly<Record<string, BundleRequirement>> {
  if (gpu === undefined) return {};
  return { [`${setting}.gpu.devices`]: { gpus: gpu.devices.join(","), vendor: gpu.vendor } };
}

/** What `verify --table` says of its GPUs, and of their memory where the monitor measures it. */
export function gpuLimits({ gpu }: SettledWorkload): Limits {
  if (gpu === undefined) return {};
  const ids = gpu.devices.join(",");
  if (gpu.vendor === "amd") return { GPUs: `amd ${ids}` };
  return { GPUs: ids, VRAM: `alert above ${gpu.vramThreshold}%` };
}
