/** The library: typed components that keep an AI host inside its resources. */
export { AiSlice, type AiSliceArgs } from "./ai-slice/ai-slice";
export { ReserveSettings } from "./ai-slice/schema";
export { CgroupService, type CgroupServiceArgs } from "./cgroup-service/cgroup-service";
export { CgroupServiceSettings, LimitedContainerSettings, WorkloadSettings } from "./cgroup-service/schema";
export { EarlyOom, type EarlyOomArgs } from "./early-oom/early-oom";
export { EarlyOomSettings } from "./early-oom/schema";
export { GoblinHost, type GoblinHostArgs } from "./goblin-host/goblin-host";
export { GoblinHostSettings } from "./goblin-host/schema";
export type { Bundle, Limits } from "./host-bundle/bundle";
export type { HostConnection } from "./host-bundle/connection";
export { HostBundle, type HostBundleArgs } from "./host-bundle/host-bundle";
export { dockerProvider } from "./limited-container/docker-provider";
export { LimitedContainer, type LimitedContainerArgs } from "./limited-container/limited-container";
export { Manager, type ManagerArgs } from "./manager/manager";
export { SwapFileSettings } from "./swap-file/schema";
export { SwapFile, type SwapFileArgs } from "./swap-file/swap-file";
export { ZramDeviceSettings } from "./zram-device/schema";
export { ZramDevice, type ZramDeviceArgs } from "./zram-device/zram-device";
