import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle, BundleFile, Limits } from "../host-bundle/bundle";
import { renderUnitFile } from "../render/unit-file";

const GUARD_UNIT = "ai-resource-guard.service";

const PROGRAM = "/usr/local/sbin/ai-resource-guard";
const UNIT_FILE = `/etc/systemd/system/${GUARD_UNIT}`;

/** It works when nothing else does, and is never killed itself. */
const LIMITS: Limits = { CPUWeight: "1000", MemoryMin: "8388608", OOMScoreAdjust: "-1000" };

/** host/ lies beside components/ in a checkout, and beside the compiled components in the package. */
export function guardProgram(): string {
  return readFileSync(join(__dirname, "..", "..", "host", "ai-resource-guard"), "utf8");
}

/**
 * The part of the `slices` bundle that ends a workload which stands still at its limit, where the kernel's killer
 * never runs because there is always code to evict and to read again.
 * @param program the text of ai-resource-guard
 */
export function renderGuard(
  program: string,
): Required<Pick<Bundle, "units" | "limits">> & { files: Record<string, BundleFile> } {
  return {
    files: {
      [PROGRAM]: { mode: "0755", content: program },
      [UNIT_FILE]: { mode: "0644", content: renderUnit() },
    },
    units: { [GUARD_UNIT]: { enabled: true, active: true, restartOn: [PROGRAM, UNIT_FILE] } },
    limits: { [GUARD_UNIT]: LIMITS },
  };
}

/** A user of its own that can do one thing: send a signal to any process. */
function renderUnit(): string {
  return renderUnitFile({
    Unit: [["Description", "Ends AI workloads that stand still at their memory limit"]],
    Service: [
      ["ExecStart", PROGRAM],
      ["Restart", "always"],
      ["RestartSec", "5"],
      ["DynamicUser", "yes"],
      ["AmbientCapabilities", "CAP_KILL"],
      ["CapabilityBoundingSet", "CAP_KILL"],
      ["CPUWeight", "1000"],
      ["LockPersonality", "yes"],
      ["MemoryDenyWriteExecute", "yes"],
      ["MemoryMin", "8M"],
      ["NoNewPrivileges", "yes"],
      ["OOMScoreAdjust", "-1000"],
      ["PrivateDevices", "yes"],
      ["PrivateNetwork", "yes"],
      ["ProtectClock", "yes"],
      ["ProtectControlGroups", "yes"],
      ["ProtectHome", "yes"],
      ["ProtectHostname", "yes"],
      ["ProtectKernelLogs", "yes"],
      ["ProtectKernelModules", "yes"],
      ["ProtectKernelTunables", "yes"],
      ["ProtectSystem", "strict"],
      ["RestrictAddressFamilies", "AF_UNIX"],
      ["RestrictNamespaces", "yes"],
      ["RestrictRealtime", "yes"],
      ["SystemCallArchitectures", "native"],
      ["SystemCallFilter", "@system-service"],
      ["UMask", "0077"],
    ],
    Install: [["WantedBy", "multi-user.target"]],
  });
}
