import type { z } from "zod";
import type { Bundle } from "../host-bundle/bundle";
import { FILE_HEADER } from "../render/unit-file";
import type { ModelsSettings } from "./schema";

type Settled = z.output<typeof ModelsSettings>;

const UDEV_RULE = "/etc/udev/rules.d/60-goblin-read-ahead.rules";

/**
 * The `models` bundle: the folder, and the read-ahead of the disk that holds it.
 * @param setting path of the settings, for the host's error messages
 */
export function renderModelStorage(settings: Settled, setting: string): Bundle {
  const { path, owner, mode, mount } = settings;
  const folder = {
    ...(mode === undefined ? {} : { mode }),
    ...(owner === undefined ? {} : { owner }),
    ...(mount === "required" ? { mount } : {}),
    data: true,
    setting,
  };
  return { name: "models", folders: { [path]: folder }, ...readAhead(settings, setting) };
}

/** Live through the kernel's file, and over reboots by a rule for the disk, whose name only the host knows. */
function readAhead({ path, readAhead: size }: Settled, setting: string): Partial<Bundle> {
  if (size === undefined) return {};
  const kib = size.bytes / 1024;
  const rule = `ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="@{disk-of:${path}}", ATTR{queue/read_ahead_kb}="${kib}"`;
  return {
    files: { [UDEV_RULE]: { mode: "0644", content: `${FILE_HEADER}${rule}\n`, expand: true } },
    readAhead: { [path]: { kib, setting: `${setting}.readAhead` } },
  };
}
