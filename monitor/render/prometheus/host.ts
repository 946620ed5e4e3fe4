import type { Report } from "../../report/report";
import type { Disk } from "../../parse/disk";
import type { Interface } from "../../parse/network";
import { type Filesystem, isRoot, NOT_MOUNTED } from "../../report/snapshot";
import { CPU_MODES } from "../../parse/cpu";
import { type Family, labelled, type Labels, type Sample, single } from "./family";

const memory: Family[] = [
  single("gauge", "memory_total_bytes", "RAM.", ({ snapshot }) => snapshot.memory?.totalBytes),
  single(
    "gauge",
    "memory_available_bytes",
    "RAM that processes can still get without swapping, reclaimable ZFS cache included.",
    ({ snapshot }) => snapshot.memory?.availableBytes,
  ),
  single(
    "gauge",
    "memory_free_bytes",
    "RAM that nothing uses.",
    ({ snapshot }) => snapshot.memory?.freeBytes,
  ),
  single("gauge", "memory_cached_bytes", "Page cache.", ({ snapshot }) => snapshot.memory?.cachedBytes),
  single(
    "gauge",
    "memory_zfs_arc_reclaimable_bytes",
    "ZFS cache that gives way under pressure.",
    ({ snapshot }) => snapshot.memory?.zfsArcReclaimableBytes,
  ),
  single("gauge", "memory_used_ratio", "1 - available / total.", ({ usage }) => usage.memory?.ratio),
  single(
    "counter",
    "oom_kills_total",
    "Processes that the kernel killed for memory since boot.",
    ({ snapshot }) => snapshot.oomKills,
  ),
  single(
    "counter",
    "oom_kills_elsewhere_total",
    "Those of them that were in no service, since the monitor first ran in this boot.",
    ({ oomKillsElsewhere }) => oomKillsElsewhere,
  ),
];

const swapLabels = ({ snapshot }: Report, value: "sizeBytes" | "usedBytes"): Sample[] =>
  (snapshot.swap ?? []).map((device) => [{ device: device.device, swap_type: device.type }, device[value]]);

const zram = (
  name: string,
  help: string,
  key: "originalBytes" | "compressedBytes" | "memoryUsedBytes" | "memoryLimitBytes",
) =>
  labelled("gauge", `zram_${name}_bytes`, help, ({ snapshot }) =>
    (snapshot.zram ?? []).map((device) => [{ device: device.device }, device[key]]),
  );

const swap: Family[] = [
  labelled("gauge", "swap_size_bytes", "Size of a swap device.", (report) => swapLabels(report, "sizeBytes")),
  labelled("gauge", "swap_used_bytes", "Used part of a swap device.", (report) =>
    swapLabels(report, "usedBytes"),
  ),
  single("gauge", "swap_used_ratio", "Used part of all swap.", ({ usage }) => usage.swap?.total?.ratio),
  single(
    "gauge",
    "swap_judged_ratio",
    "What the swap threshold is for: the used part of disk swap, or of all swap where the disk is in use and that is fuller.",
    ({ usage }) => usage.swap?.judged?.ratio,
  ),
  zram("original_data", "What zram holds, uncompressed.", "originalBytes"),
  zram("compressed_data", "What zram holds, compressed.", "compressedBytes"),
  zram("memory_used", "RAM that zram takes; part of the RAM in use.", "memoryUsedBytes"),
  zram("memory_limit", "RAM that zram may take; 0 is no limit.", "memoryLimitBytes"),
];

const cpu: Family[] = [
  labelled("counter", "cpu_seconds_total", "CPU time by mode since boot.", ({ snapshot }) =>
    CPU_MODES.map((mode) => [{ mode }, snapshot.cpu?.total[mode]]),
  ),
  single("gauge", "cpu_online", "CPUs that are online.", ({ snapshot }) => snapshot.cpu?.cpus.size),
  single(
    "gauge",
    "cpu_used_ratio",
    "Part of the last interval that was neither idle nor iowait.",
    ({ usage }) => usage.cpuRatio,
  ),
  single("gauge", "load1", "Load average over 1 minute.", ({ snapshot }) => snapshot.load?.one),
  single("gauge", "load5", "Load average over 5 minutes.", ({ snapshot }) => snapshot.load?.five),
  single("gauge", "load15", "Load average over 15 minutes.", ({ snapshot }) => snapshot.load?.fifteen),
];

const pressure: Family[] = [
  ...(["cpu", "memory", "io"] as const).map((resource) =>
    single(
      "counter",
      `pressure_${resource}_waiting_seconds_total`,
      `Time in which at least one task waited for ${resource}.`,
      ({ snapshot }) => snapshot.pressure?.[resource]?.waitingSeconds,
    ),
  ),
  ...(["memory", "io"] as const).map((resource) =>
    single(
      "counter",
      `pressure_${resource}_stalled_seconds_total`,
      `Time in which all tasks waited for ${resource}.`,
      ({ snapshot }) => snapshot.pressure?.[resource]?.stalledSeconds,
    ),
  ),
];

const filesystemMetric = (
  name: string,
  help: string,
  value: (filesystem: Filesystem) => number | undefined,
) =>
  labelled("gauge", `filesystem_${name}`, help, ({ snapshot }) =>
    filesystemsOf(snapshot).map((filesystem) => [filesystemLabels(filesystem), value(filesystem)]),
  );

/** Of one that is both nothing is told twice. */
function filesystemsOf({ filesystem, rootFilesystem }: Report["snapshot"]): Filesystem[] {
  const models = filesystem === undefined ? [] : [filesystem];
  const isBoth = filesystem !== undefined && isRoot(filesystem);
  return rootFilesystem === undefined || isBoth ? models : [...models, rootFilesystem];
}

/** One that is not mounted, or does not answer, is told of as what it should be, not as what its path seems to lie on. */
function filesystemLabels({ device, fstype, mountpoint, path, problem }: Filesystem): Labels {
  if (problem === NOT_MOUNTED) return { device: "", fstype: "", mountpoint: path };
  return { device, fstype, mountpoint: problem === undefined ? mountpoint : path };
}

const filesystem: Family[] = [
  filesystemMetric(
    "size_bytes",
    "Size of a filesystem: the models', and the root's.",
    ({ space }) => space?.sizeBytes,
  ),
  filesystemMetric(
    "free_bytes",
    "Free bytes, those reserved for root included.",
    ({ space }) => space?.freeBytes,
  ),
  filesystemMetric("avail_bytes", "Free bytes for users.", ({ space }) => space?.availableBytes),
  filesystemMetric("files", "Inodes.", ({ space }) => space?.files),
  filesystemMetric("files_free", "Free inodes.", ({ space }) => space?.filesFree),
  filesystemMetric("readonly", "1 when mounted read-only.", ({ readOnly }) => Number(readOnly)),
  filesystemMetric(
    "remounted_readonly",
    "1 when the kernel has stopped writing to it after an error.",
    ({ remountedReadOnly }) => Number(remountedReadOnly),
  ),
  filesystemMetric(
    "device_error",
    "1 when it could not be measured: not mounted, or no answer.",
    ({ problem }) => Number(problem !== undefined),
  ),
  labelled("gauge", "filesystem_used_ratio", "used / (used + available), as df.", ({ snapshot, usage }) =>
    filesystemsOf(snapshot).map((filesystem) => [
      filesystemLabels(filesystem),
      (filesystem === snapshot.filesystem ? usage.disk : usage.rootDisk)?.ratio,
    ]),
  ),
];

const disk = (name: string, help: string, value: (disk: Disk) => number) =>
  labelled("counter", `disk_${name}_total`, help, ({ snapshot }) =>
    (snapshot.disks ?? []).map((one) => [{ device: one.device }, value(one)]),
  );

const network = (name: string, help: string, value: (one: Interface) => number) =>
  labelled("counter", `network_${name}_total`, help, ({ snapshot }) =>
    (snapshot.network ?? []).map((one) => [{ device: one.device }, value(one)]),
  );

const devices: Family[] = [
  disk("read_bytes", "Bytes read from a disk.", ({ readBytes }) => readBytes),
  disk("written_bytes", "Bytes written to a disk.", ({ writtenBytes }) => writtenBytes),
  disk("io_time_seconds", "Time in which requests to a disk were under way.", ({ ioSeconds }) => ioSeconds),
  network(
    "receive_bytes",
    "Bytes received by an interface of the host.",
    ({ receivedBytes }) => receivedBytes,
  ),
  network("receive_errors", "Packets received with an error.", ({ receiveErrors }) => receiveErrors),
  network("receive_drop", "Packets received and dropped.", ({ receiveDrops }) => receiveDrops),
  network(
    "transmit_bytes",
    "Bytes transmitted by an interface of the host.",
    ({ transmittedBytes }) => transmittedBytes,
  ),
  network("transmit_errors", "Packets not transmitted for an error.", ({ transmitErrors }) => transmitErrors),
  network(
    "transmit_drop",
    "Packets dropped instead of being transmitted.",
    ({ transmitDrops }) => transmitDrops,
  ),
];

export const HOST_FAMILIES: readonly Family[] = [
  ...memory,
  ...swap,
  ...cpu,
  ...pressure,
  ...filesystem,
  ...devices,
];
