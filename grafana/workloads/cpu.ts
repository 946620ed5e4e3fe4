import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines } from "../shared/panels";
import { line, SERVICES } from "../shared/query";
import { alertAbove } from "../shared/thresholds";

const S = `{${SERVICES}}`;

export const CPU = [
  lines(
    {
      title: "Cores against the limit",
      description: "Cores at work, and how many its quota allows. At its dashed line a service is throttled.",
      unit: units.Short,
      missing: missing.NOT_RUNNING,
      width: 8,
    },
    line(`airm:service_cpu:cores${S}`, "{{service}}"),
    line(`airm_service_cpu_limit_cores${S}`, "{{service}} limit"),
  ),
  lines(
    {
      title: "Part of its cores in use",
      description: "Of the cores that it may use: the least of quota, cpuset and those online.",
      unit: units.PercentUnit,
      missing: missing.NOT_RUNNING,
      width: 8,
    },
    line(`airm_service_cpu_used_ratio${S}`, "{{service}}"),
  ).max(1),
  lines(
    {
      title: "Throttled",
      description:
        "Part of the quota's periods in which it had used up its time and stood still. Much of it costs tokens per second: fewer threads, or a larger cpu.quota.",
      unit: units.PercentUnit,
      missing: missing.NO_LIMIT,
      width: 8,
    },
    line(`airm:service_cpu_throttled:ratio${S}`, "{{service}}"),
  ).max(1),
];

export const WAITING = [
  lines(
    {
      title: "Waits for memory",
      description:
        "Part of the time in which it waited for memory (PSI): its model does not fit in its limit beside the rest. Stalled: all of it stood still. Judged is what the threshold is for.",
      unit: units.PercentUnit,
      missing: missing.NO_PRESSURE,
      width: 8,
    },
    line(`airm:service_memory_waiting:ratio${S}`, "{{service}}"),
    line(`airm:service_memory_stalled:ratio${S}`, "{{service}} stalled"),
    line(`airm_service_thrash_ratio${S}`, "{{service}} judged"),
    alertAbove("service_thrash"),
  ),
  lines(
    {
      title: "Read again",
      description:
        "What the kernel dropped and had to read again. Beside time that it waits for memory: raise memory.max by about this.",
      unit: units.BytesPerSecondIEC,
      missing: missing.NOT_RECORDED,
      width: 8,
    },
    line(`airm:service_memory_refaulted:bytes_per_second${S}`, "{{service}}"),
  ),
  lines(
    {
      title: "Waits for CPU and disks",
      description:
        "Part of the time in which at least one of its tasks waited. CPU: its quota, or others on its cores. Disks, stalled: it does nothing else.",
      unit: units.PercentUnit,
      missing: missing.NO_PRESSURE,
      width: 8,
    },
    line(`airm:service_cpu_waiting:ratio${S}`, "{{service}} CPU"),
    line(`airm:service_io_waiting:ratio${S}`, "{{service}} disks"),
    line(`airm:service_io_stalled:ratio${S}`, "{{service}} disks, stalled"),
  ),
  lines(
    {
      title: "Disks: read and written",
      description:
        "Reads while a model loads are usual; while it answers they are a model that does not fit.",
      unit: units.BytesPerSecondIEC,
      missing: missing.NOT_RECORDED,
      width: 12,
    },
    line(`airm:service_fs_reads:bytes_per_second${S}`, "{{service}} read"),
    line(`airm:service_fs_writes:bytes_per_second${S}`, "{{service}} written"),
  ),
  lines(
    {
      title: "Network of containers",
      description:
        "Received and transmitted in a network of their own. Services in the host's network are in the host's numbers.",
      unit: units.BytesPerSecondIEC,
      missing: missing.NO_OWN_NETWORK,
      width: 12,
    },
    line(`airm:service_network_receive:bytes_per_second${S}`, "{{service}} {{device}} received"),
    line(`airm:service_network_transmit:bytes_per_second${S}`, "{{service}} {{device}} transmitted"),
  ),
];
