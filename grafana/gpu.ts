import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Page } from "./shared/dashboard";
import * as missing from "./shared/missing";
import { counts, lines, number, stacked, table } from "./shared/panels";
import { line, now, ONE_HOST, rows } from "./shared/query";
import { joined } from "./shared/tables";
import { alertAboveByService, NONE_IS_GOOD } from "./shared/thresholds";
import { gpu, ofOneHost } from "./shared/variables";

const G = `{${ONE_HOST}, gpu=~"$gpu"}`;
const about = { missing: missing.NO_GPU, width: 12 };

const cards = [
  joined(
    table(
      {
        ...about,
        title: "Cards",
        description:
          "The cards that the driver shows. One that is missing here and was there: it has fallen off the bus.",
        unit: units.Short,
        width: 20,
        height: 5,
      },
      rows(`max by (gpu, name, driver_version, uuid) (airm_gpu_info${G})`),
      rows(`max by (gpu) (airm_gpu_memory_total_bytes${G})`),
      rows(`max by (gpu) (airm_gpu_power_limit_watts${G})`),
    ),
    { gpu: "GPU", name: "Name", driver_version: "Driver", uuid: "UUID" },
    [undefined, { name: "VRAM", unit: units.BytesIEC }, { name: "Power limit", unit: units.Watt }],
  ),
  number(
    {
      ...about,
      title: "Lost cards",
      description:
        "Cards that the driver lost, or that answer no more. Most come back after a reboot only: journalctl -k -g 'NVRM|Xid'.",
      unit: units.Short,
      width: 4,
      height: 5,
    },
    now(`airm_gpu_failed{${ONE_HOST}}`, ""),
  ).thresholds(NONE_IS_GOOD),
];

const use = [
  lines(
    {
      ...about,
      title: "GPU in use",
      description:
        "Part of the time in which kernels ran. Low while requests wait: the CPU, the disk or a part of the model on the CPU holds it back.",
      unit: units.PercentUnit,
    },
    line(`airm_gpu_utilization_ratio${G}`, "GPU {{gpu}}"),
  ).max(1),
  lines(
    {
      ...about,
      title: "VRAM",
      description: "Full, the next allocation fails, in whichever service makes it: no kernel limits VRAM.",
      unit: units.BytesIEC,
    },
    line(`airm_gpu_memory_used_bytes${G}`, "GPU {{gpu}}"),
    line(`airm_gpu_memory_total_bytes${G}`, "GPU {{gpu}} total"),
  ),
  stacked(
    {
      ...about,
      title: "VRAM by service",
      description:
        "Who has it. What is missing to the sum above is other processes', or hidden by the driver.",
      unit: units.BytesIEC,
      missing: "The driver tells of no process of a service that has VRAM",
    },
    line(`airm_service_gpu_memory_used_bytes${G}`, "{{service}} on GPU {{gpu}}"),
  ),
  lines(
    {
      ...about,
      title: "Part of its VRAM budget",
      description:
        "Of gpu.vramMax, or of all VRAM of its GPUs. Above its dashed line an alert is raised; nothing holds a service back there.",
      unit: units.PercentUnit,
      missing: missing.NO_VRAM_BUDGET,
    },
    line(`airm_service_vram_used_ratio{${ONE_HOST}}`, "{{service}}"),
    alertAboveByService("service_vram"),
  ),
];

const card = [
  lines(
    {
      ...about,
      title: "Temperature",
      description: "Of the core. At its driver's limit a card slows itself down.",
      unit: units.Celsius,
      width: 8,
    },
    line(`airm_gpu_temperature_celsius${G}`, "GPU {{gpu}}"),
  ),
  lines(
    {
      ...about,
      title: "Power",
      description: "Drawn, and the limit at which a card slows itself down.",
      unit: units.Watt,
      width: 8,
    },
    line(`airm_gpu_power_watts${G}`, "GPU {{gpu}}"),
    line(`airm_gpu_power_limit_watts${G}`, "GPU {{gpu}} limit"),
  ),
  counts(
    {
      ...about,
      title: "Lines that were not understood",
      description: "Of nvidia-smi. Some are its warnings; with many the numbers above have gaps.",
      unit: units.Short,
      width: 8,
    },
    line(`increase(airm_gpu_malformed_lines_total{${ONE_HOST}}[$__rate_interval])`, "lines"),
  ),
];

export const GPU: Page = {
  uid: "airm-gpu",
  title: "GPU",
  description: "How full and how busy are the GPUs, and which service has their memory?",
  variables: [...ofOneHost(), gpu()],
  isMarked: true,
  sections: [
    { title: "Cards", panels: cards },
    { title: "Use and memory", panels: use },
    { title: "The card itself", panels: card },
  ],
};
