import type { Limits } from "../host-bundle/bundle";
import type { Derived } from "./environment";
import { areNumbers, type Hardening, hasDeviceList } from "./hardening";
import type { SettledWorkload } from "./workload";

/** Its profile: with a GPU the one that leaves the GPUs' device nodes visible. */
export function hardeningOf({
  hardening,
  gpu,
}: SettledWorkload): Pick<Hardening, "profile" | "except" | "gpus"> {
  return {
    profile: hardening.profile ?? (gpu === undefined ? "standard" : "gpu"),
    except: hardening.except,
    gpus: gpu?.devices ?? [],
  };
}

/** Whether its programs may find a GPU: a container gets those that it names, a service those that are not hidden. */
export function mayUseGpu(workload: SettledWorkload): boolean {
  if (workload.gpu !== undefined || workload.runtime === "container") return workload.gpu !== undefined;
  const { profile, except } = hardeningOf(workload);
  return profile !== "standard" || except.includes("PrivateDevices");
}

/**
 * CUDA counts the GPUs that a process can open. Where the device list hides the others, its own are 0, 1, ... whatever
 * nvidia-smi calls them; where nothing is hidden, they are counted as nvidia-smi does. A UUID means the same everywhere.
 * A container's runtime shows it its own.
 */
export function gpuVariables(workload: SettledWorkload): Record<string, Derived> {
  const { gpu, runtime } = workload;
  if (gpu === undefined || runtime === "container") return {};
  const its = `gpu.devices (${gpu.devices.join(",")})`;
  const visible = (value: string, rule: string) => ({ CUDA_VISIBLE_DEVICES: { value, rule } });
  if (!areNumbers(gpu.devices)) return visible(gpu.devices.join(","), its);
  if (hasDeviceList(hardeningOf(workload)))
    return visible(
      gpu.devices.map((_, index) => index).join(","),
      `${its}, counted from 0: it can open no other`,
    );
  return {
    CUDA_DEVICE_ORDER: { value: "PCI_BUS_ID", rule: "GPUs are counted as nvidia-smi counts them" },
    ...visible(gpu.devices.join(","), its),
  };
}

/** What `verify --table` says of its GPUs and of their memory. */
export function gpuLimits({ gpu }: SettledWorkload): Limits {
  return gpu === undefined ? {} : { GPUs: gpu.devices.join(","), VRAM: `alert above ${gpu.vramThreshold}%` };
}
