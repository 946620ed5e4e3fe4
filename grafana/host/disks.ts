import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines, timeline } from "../shared/panels";
import { line, ONE_HOST } from "../shared/query";
import { BROKEN } from "../shared/states";
import { alertAbove } from "../shared/thresholds";

const H = `{${ONE_HOST}}`;

export const FILESYSTEMS = [
  lines(
    {
      title: "Disk in use",
      description:
        "The models' filesystem and the root's, as df. A full root keeps Docker, the journal and updates from working.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 6,
    },
    line(`airm_filesystem_used_ratio${H}`, "{{mountpoint}}"),
    alertAbove("disk"),
  ).max(1),
  lines(
    {
      title: "Disk left",
      description: "What users can still write. Whether the next model fits.",
      unit: units.BytesIEC,
      missing: missing.NOT_SCRAPED,
      width: 6,
    },
    line(`airm_filesystem_avail_bytes${H}`, "{{mountpoint}}"),
  ),
  lines(
    {
      title: "Inodes in use",
      description:
        "With none left no file can be made, whatever space there is. Filesystems without a fixed number are not here.",
      unit: units.PercentUnit,
      missing: "No filesystem here has a fixed number of inodes",
      width: 6,
    },
    line(`1 - airm_filesystem_files_free${H} / (airm_filesystem_files${H} > 0)`, "{{mountpoint}}"),
    alertAbove("disk_inodes"),
  ).max(1),
  timeline(
    {
      title: "Broken filesystems",
      description:
        "Read-only after an error: save what matters, then check the disk. Not measured: not mounted, or it does not answer.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 6,
    },
    line(`airm_filesystem_remounted_readonly${H}`, "{{mountpoint}} read-only after an error"),
    line(`airm_filesystem_device_error${H}`, "{{mountpoint}} not measured"),
  ).mappings(BROKEN),
];

export const DISKS = [
  lines(
    {
      title: "Disks: read and written",
      description:
        "Steady reads while a model runs: it does not fit in memory and each token reads it again.",
      unit: units.BytesPerSecondIEC,
      missing: missing.NO_DISKS,
      width: 12,
    },
    line(`airm:disk_read:bytes_per_second${H}`, "{{device}} read"),
    line(`airm:disk_written:bytes_per_second${H}`, "{{device}} written"),
  ),
  lines(
    {
      title: "Disks: busy",
      description:
        "Part of the time with requests under way. Near 100% a disk with one queue is the bottleneck; an SSD may still take more.",
      unit: units.PercentUnit,
      missing: missing.NO_DISKS,
      width: 12,
    },
    line(`airm:disk_busy:ratio${H}`, "{{device}}"),
  ).max(1),
];
