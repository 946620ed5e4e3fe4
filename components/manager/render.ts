import type { Bundle } from "../host-bundle/bundle";
import { renderUnitFile } from "../render/unit-file";

const UNIT = "ai-resource-manager.service";

/**
 * The `manager` bundle: the host's own program, and its run at boot.
 * @param program the text of ai-resource-manager
 * @param before units that must not start before their limits are in place
 */
export function renderManager(program: string, before: readonly string[]): Bundle {
  return {
    name: "manager",
    files: {
      "/usr/local/sbin/ai-resource-manager": { mode: "0755", content: program },
      [`/etc/systemd/system/${UNIT}`]: { mode: "0644", content: renderBootUnit(before) },
    },
    packages: ["jq"],
    // Enabled, never started from here: it would wait for the lock that the applying run holds.
    units: { [UNIT]: { enabled: true } },
  };
}

function renderBootUnit(before: readonly string[]): string {
  const ordered = [...new Set(before)].sort().join(" ");
  return renderUnitFile({
    Unit: [
      ["Description", "Apply the resource limits of goblin-host at boot"],
      ["After", "local-fs.target swap.target systemd-sysctl.service"],
      ...(ordered === "" ? [] : [["Before", ordered] as const]),
      ["ConditionPathIsDirectory", "/var/lib/ai-resource-manager/bundles"],
    ],
    Service: [
      ["ExecStart", "/usr/local/sbin/ai-resource-manager apply --boot"],
      ["RemainAfterExit", "yes"],
      // The workloads wait for this run: it must end, whatever hangs.
      ["TimeoutStartSec", "10min"],
      ["Type", "oneshot"],
    ],
    Install: [["WantedBy", "multi-user.target"]],
  });
}
