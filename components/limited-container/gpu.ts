import { gpuRequirement } from "../cgroup-service/gpu";
import { areNodes } from "../cgroup-service/gpu-devices";
import type { Gpu } from "../cgroup-service/gpu-schema";
import type { SettledWorkload } from "../cgroup-service/workload";
import type { BundleRequirement } from "../host-bundle/bundle";

/** What dockerd needs to give a container a GPU: it looks for this program when it starts. */
export const NVIDIA_RUNTIME = {
  program: "nvidia-container-runtime-hook",
  remedy:
    "It comes with NVIDIA's container toolkit: install the package nvidia-container-toolkit, and run systemctl restart docker",
} as const satisfies BundleRequirement;

/** A request to the NVIDIA runtime, as `docker run --gpus` makes it. */
export interface DeviceRequest {
  readonly driver: string;
  readonly count: number;
  readonly deviceIds: string[];
  readonly capabilities: string[];
}

/** A node of the host's, as `docker run --device` gives it. */
export interface ContainerDevice {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly permissions: string;
}

/** What a container with GPUs has in the docker provider's terms. */
export interface ContainerGpu {
  readonly deviceRequests?: DeviceRequest[];
  readonly devices?: ContainerDevice[];
  readonly groupAdds?: string[];
}

/** What ROCm computes by. */
const KFD = "/dev/kfd";

/**
 * NVIDIA's by a request to its runtime. AMD's as ROCm's documentation has it ("Running ROCm Docker containers"): /dev/kfd,
 * and the render nodes that are named, else all of /dev/dri, because which card has which node the host alone knows. AMD's
 * kernel driver lets a process compute by /dev/kfd only on cards whose render nodes it may open.
 */
export function containerGpu(gpu: Gpu | undefined): ContainerGpu {
  if (gpu === undefined) return {};
  const { vendor, devices, groups } = gpu;
  const groupAdds = groups.length === 0 ? {} : { groupAdds: [...groups] };
  if (vendor === "nvidia") {
    const request = { driver: "nvidia", count: 0, deviceIds: [...devices], capabilities: ["gpu"] };
    return { deviceRequests: [request], ...groupAdds };
  }
  const nodes = areNodes(gpu) ? devices : ["/dev/dri"];
  return {
    devices: [KFD, ...nodes].map((path) => ({ hostPath: path, containerPath: path, permissions: "rw" })),
    ...groupAdds,
  };
}

/** Images for NVIDIA's GPUs ask for all by themselves; where its runtime is dockerd's default they would get them. */
export const NO_GPU = { NVIDIA_VISIBLE_DEVICES: "void" };

/** What the host must have for a container with GPUs; `user` is asked for because AMD's nodes are for a group. */
export function containerGpuRequirements(
  workload: SettledWorkload,
  setting: string,
): Readonly<Record<string, BundleRequirement>> {
  const { gpu, user } = workload;
  if (gpu === undefined) return {};
  const isRoot = user === undefined || /^0+(:|$)/.test(user);
  const node: BundleRequirement = {
    device: KFD,
    remedy: "The kernel's driver amdgpu makes it: see whether it is loaded (lsmod, dmesg)",
    ...(isRoot ? {} : { groups: [...user.split(":").slice(1), ...gpu.groups].join(",") }),
  };
  return {
    [`${setting}.gpu`]: gpu.vendor === "nvidia" ? NVIDIA_RUNTIME : node,
    ...gpuRequirement(workload, setting),
  };
}

/** All GPUs, to look at: the runtime adds nvidia-smi and NVML, and no CUDA. */
export const WATCH_ALL_GPUS: DeviceRequest = {
  driver: "nvidia",
  count: -1,
  deviceIds: [],
  capabilities: ["gpu", "utility"],
};
