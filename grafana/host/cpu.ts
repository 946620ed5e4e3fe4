import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines, stacked } from "../shared/panels";
import { line, ONE_HOST } from "../shared/query";
import { alertAbove } from "../shared/thresholds";

const H = `{${ONE_HOST}}`;

export const CPU = [
  lines(
    {
      title: "CPU in use",
      description:
        "Part of all cores. Inference fills them; it is a problem where the system waits, see the pressure below.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 8,
    },
    line(`airm_cpu_used_ratio${H}`, "in use"),
    alertAbove("cpu"),
  ).max(1),
  stacked(
    {
      title: "What the cores do",
      description:
        "Cores by mode, without idle ones. Much steal: the provider's host is busy. Much iowait: disks are slow.",
      unit: units.Short,
      missing: missing.NOT_RECORDED,
      width: 8,
    },
    line(`airm:cpu:cores{${ONE_HOST}, mode!="idle"}`, "{{mode}}"),
    line(`airm_cpu_online${H}`, "total"),
  ),
  lines(
    {
      title: "Load",
      description:
        "Tasks that run, want to run or wait for a disk. Far above the cores for long, work queues up.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 8,
    },
    line(`airm_load1${H}`, "1 minute"),
    line(`airm_load5${H}`, "5 minutes"),
    line(`airm_load15${H}`, "15 minutes"),
    line(`airm_cpu_online${H}`, "cores total"),
  ),
];

export const PRESSURE = [
  lines(
    {
      title: "Somebody waits",
      description:
        "Part of the time in which at least one task waited (PSI). Memory above a few percent is distress, whatever the percentages say.",
      unit: units.PercentUnit,
      missing: missing.NO_PRESSURE,
      width: 12,
    },
    line(`airm:pressure_cpu_waiting:ratio${H}`, "CPU"),
    line(`airm:pressure_memory_waiting:ratio${H}`, "memory"),
    line(`airm:pressure_io_waiting:ratio${H}`, "disks"),
  ),
  lines(
    {
      title: "Everybody waits",
      description:
        "Part of the time in which all tasks waited and nothing was done. That is what a freeze looks like from outside.",
      unit: units.PercentUnit,
      missing: missing.NO_PRESSURE,
      width: 12,
    },
    line(`airm:pressure_memory_stalled:ratio${H}`, "memory"),
    line(`airm:pressure_io_stalled:ratio${H}`, "disks"),
  ),
];
