import type { z } from "zod";
import { type Bundle, CONFIRM_SECONDS, type PackageAhead } from "../host-bundle/bundle";
import { dropIn } from "../render/drop-in";
import { FILE_HEADER, renderUnitFile } from "../render/unit-file";
import type { ZramDeviceSettings } from "./schema";

type Settled = z.output<typeof ZramDeviceSettings>;

const CONFIG = "/etc/systemd/zram-generator.conf";

/** The package has a configuration of its own, which would make a device of half the memory. */
export const ZRAM_PACKAGES: readonly PackageAhead[] = [{ name: "systemd-zram-generator", files: [CONFIG] }];

/**
 * The `zram` bundle: systemd-zram-generator makes the device at boot, zram-tools steps aside.
 * @param setting path of the settings, for the host's error messages
 */
export function renderZramDevice(settings: Settled, setting: string): Bundle {
  const { size, algorithm, priority, memoryLimit } = settings;
  return {
    name: "zram",
    confirmSeconds: CONFIRM_SECONDS,
    files: {
      [CONFIG]: { mode: "0644", content: renderGeneratorConfig(settings) },
      [dropIn("systemd-zram-setup@zram0.service")]: {
        mode: "0644",
        content: renderMemoryLimit(settings),
      },
    },
    packages: ["systemd-zram-generator"],
    replaces: { "zramswap.service": "zram-tools" },
    backups: { "/etc/default/zramswap": "/etc/default/zramswap.backup" },
    zram: {
      zram0: {
        sizeBytes: size.bytes,
        algorithm,
        priority,
        memoryLimitBytes: memoryLimit.bytes,
        setting: `${setting}.size`,
      },
    },
  };
}

/** Generator 1.1.2 of Debian 12 reads `zram-size` as an expression in MiB (zram-generator.conf(5)). */
function renderGeneratorConfig({ size, algorithm, priority }: Settled): string {
  return `${FILE_HEADER}
[zram0]
zram-size = ${size.mebibytes}
compression-algorithm = ${algorithm}
swap-priority = ${priority}
`;
}

/** `zram-resident-limit` is only in generator 1.2, so the limit is written when the device is set up. */
function renderMemoryLimit({ memoryLimit }: Settled): string {
  const write = `/bin/sh -c "echo ${memoryLimit.bytes} >/sys/block/%i/mem_limit"`;
  return renderUnitFile({ Service: [["ExecStartPost", write]] });
}
