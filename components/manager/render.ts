import type { Bundle, PackageAhead } from "../host-bundle/bundle";
import { MANAGER as PROGRAM } from "../host-bundle/commands";
import { renderUnitFile } from "../render/unit-file";
import { AUDIT_FOLDER, auditFiles, auditTimers } from "./audit";

const UNIT = "ai-resource-manager.service";
const TIMER = "ai-resource-manager.timer";
const REPAIR = "ai-resource-manager-repair.service";

/** What the manager does by itself. */
export interface ManagerContext {
  /** Units that must not start before their limits are in place. */
  readonly before: readonly string[];
  /** What the daily timer does with drift: report it, or repair it too. */
  readonly daily: "verify" | "repair";
  /** What the bundles that follow need: it comes by one run of apt. Default none. */
  readonly ahead?: readonly PackageAhead[];
}

/**
 * The `manager` bundle: the host's own program, its run at boot and its look every day.
 * @param program the text of ai-resource-manager
 */
export function renderManager(program: string, { before, daily, ahead = [] }: ManagerContext): Bundle {
  const unit = (name: string) => `/etc/systemd/system/${name}`;
  return {
    name: "manager",
    files: {
      [PROGRAM]: { mode: "0755", content: program },
      [unit(UNIT)]: { mode: "0644", content: renderUnit(before, daily) },
      [unit(TIMER)]: { mode: "0644", content: renderTimer() },
      ...auditFiles(),
      ...(daily === "repair" ? { [unit(REPAIR)]: { mode: "0644", content: renderRepair() } } : {}),
    },
    folders: { [AUDIT_FOLDER]: { mode: "0750", data: true, setting: "goblin-host:manager" } },
    packages: ["jq"],
    ...(ahead.length === 0 ? {} : { ahead }),
    // The service is enabled and never started from here: it would wait for the lock that the applying run holds.
    units: {
      [UNIT]: { enabled: true },
      [TIMER]: { enabled: true, active: true },
      ...auditTimers(),
    },
  };
}

/** One unit for the boot and for every day, so that one journal has both: `journalctl -u ai-resource-manager`. */
function renderUnit(before: readonly string[], daily: string): string {
  const ordered = [...new Set(before)].sort().join(" ");
  return renderUnitFile({
    Unit: [
      ["Description", "Resource limits of goblin-host: applied at boot, verified every day"],
      ["After", "local-fs.target swap.target systemd-sysctl.service"],
      ...(ordered === "" ? [] : [["Before", ordered] as const]),
      ["ConditionPathIsDirectory", "/var/lib/ai-resource-manager/bundles"],
    ],
    Service: [
      ["ExecStart", `${PROGRAM} scheduled ${daily}`],
      // Drift is a report, not a failure of this unit.
      ["SuccessExitStatus", "3"],
      // The workloads wait for this run: it must end, whatever hangs.
      ["TimeoutStartSec", "10min"],
      ["Type", "oneshot"],
    ],
    Install: [["WantedBy", "multi-user.target"]],
  });
}

function renderTimer(): string {
  return renderUnitFile({
    Unit: [["Description", "Daily verification of the resource limits of goblin-host"]],
    Timer: [
      ["OnCalendar", "daily"],
      ["Persistent", "true"],
      // Hosts of one provider do not all look at midnight.
      ["RandomizedDelaySec", "1h"],
    ],
    Install: [["WantedBy", "timers.target"]],
  });
}

function renderRepair(): string {
  return renderUnitFile({
    Unit: [["Description", "Repair of the resource limits of goblin-host"]],
    Service: [
      ["ExecStart", `${PROGRAM} apply --stored`],
      ["Type", "oneshot"],
    ],
  });
}
