import type { z } from "zod";
import { type Bundle, CONFIRM_SECONDS } from "../host-bundle/bundle";
import { FILE_HEADER, renderUnitFile } from "../render/unit-file";
import { escapeUnitPath } from "../render/unit-name";
import type { SwapFileSettings } from "./schema";

const SYSCTL_FILE = "/etc/sysctl.d/90-goblin-swap.conf";

/**
 * The `swap` bundle. The host's manager makes and resizes the file itself; the unit brings it back at boot, and
 * only at boot: swap.target needs no fstab entry.
 * @param setting path of the settings, for the host's error messages
 */
export function renderSwapFile(settings: z.output<typeof SwapFileSettings>, setting: string): Bundle {
  const { path, size, priority, swappiness } = settings;
  const unit = `${escapeUnitPath(path)}.swap`;
  return {
    name: "swap",
    confirmSeconds: CONFIRM_SECONDS,
    files: {
      [`/etc/systemd/system/${unit}`]: { mode: "0644", content: renderSwapUnit(path, priority) },
      [SYSCTL_FILE]: { mode: "0644", content: `${FILE_HEADER}vm.swappiness = ${swappiness}\n` },
    },
    units: { [unit]: { enabled: true, active: true } },
    sysctls: { "vm.swappiness": String(swappiness) },
    swapFiles: { [path]: { sizeBytes: size.bytes, priority, setting: `${setting}.size` } },
  };
}

function renderSwapUnit(path: string, priority: number): string {
  return renderUnitFile({
    Unit: [["Description", `Swapfile ${path} of goblin-host`]],
    Swap: [
      ["What", path],
      ["Priority", String(priority)],
    ],
    Install: [["WantedBy", "swap.target"]],
  });
}
