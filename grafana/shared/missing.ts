/** What a panel says that has nothing to show: what is not there, and what would make it be there. */
export const NOT_SCRAPED = "No data: Prometheus does not scrape this monitor (docs/monitor.md, Prometheus)";
export const NOT_RECORDED = "No data: the rules are not loaded (prometheus/ai-resource-monitor.rules.yml)";
export const NO_SWAP = "This host has no swap";
export const NO_ZRAM = "This host has no zram";
export const NO_PRESSURE = "No data: this kernel has no PSI (psi=1), or the rules are not loaded";
export const NO_DISKS = "No data: the rules are not loaded, or the host shows no disks";
export const NO_NETWORK = "No data: the rules are not loaded, or the host hides its processes (hidepid)";
export const NOT_RUNNING = "No service that is chosen runs";
export const NO_LIMIT = "No service that is chosen has such a limit, or none runs";
export const NO_PROBE = "No service that is chosen has a health probe (workloads.NAME.health)";
export const NO_OWN_NETWORK = "No data: services in the host's network have none of their own";
export const NO_MODEL = "No engine tells of a loaded model";
export const NO_LLAMA_CPP =
  "No llama-server tells of this (docs/monitor.md, What runs in the engines: --metrics, --slots)";
export const NO_GPU = "The monitor sees no GPU here (monitor.gpu)";
export const NO_VRAM_BUDGET = "No service has a VRAM threshold (workloads.NAME.gpu.vramThreshold)";
export const NOBODY_IS_TOLD = "Nobody is told of this monitor's alerts (monitor.tell)";
export const NOT_VERIFIED = "ai-resource-manager has not verified since the host booted";
export const NO_VERDICTS = "ai-resource-manager has not looked at its limits since the host booted";
export const NOT_WATCHED = "No deployment is watched";
