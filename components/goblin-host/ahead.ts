import { DOCKER_PACKAGES } from "../docker-engine/render";
import { EARLY_OOM_PACKAGES } from "../early-oom/render";
import type { PackageAhead } from "../host-bundle/bundle";
import { MONITOR_PACKAGES } from "../monitor/render";
import { ZRAM_PACKAGES } from "../zram-device/render";

/** What the parts of a host need, which its first part brings: one run of apt for a whole deployment. */
export const PACKAGES_AHEAD: readonly PackageAhead[] = [
  ...ZRAM_PACKAGES,
  ...EARLY_OOM_PACKAGES,
  ...DOCKER_PACKAGES,
  ...MONITOR_PACKAGES,
];
