import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { counts, lines, stacked } from "../shared/panels";
import { line, ONE_HOST } from "../shared/query";
import { alertAbove } from "../shared/thresholds";

const H = `{${ONE_HOST}}`;

export const MEMORY = [
  lines(
    {
      title: "Memory in use",
      description:
        "Part of the RAM that is not available. Above the dashed line an alert is raised; EarlyOOM ends the largest process a little further on.",
      unit: units.PercentUnit,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`airm_memory_used_ratio${H}`, "in use"),
    alertAbove("memory"),
  ).max(1),
  lines(
    {
      title: "Where the memory is",
      description:
        "Little free memory is usual, little available memory is not: page cache gives way, what processes hold does not.",
      unit: units.BytesIEC,
      missing: missing.NOT_SCRAPED,
      width: 12,
    },
    line(`airm_memory_total_bytes${H}`, "total"),
    line(`airm_memory_available_bytes${H}`, "available"),
    line(`airm_memory_cached_bytes${H}`, "page cache"),
    line(`airm_memory_free_bytes${H}`, "free"),
  ),
  lines(
    {
      title: "Swap in use",
      description:
        "Judged is what the threshold is for: disk swap, as a full zram alone is normal use. Growing steadily, something does not fit in RAM.",
      unit: units.PercentUnit,
      missing: missing.NO_SWAP,
      width: 6,
    },
    line(`airm_swap_used_ratio${H}`, "all"),
    line(`airm_swap_judged_ratio${H}`, "judged"),
    alertAbove("swap"),
  ).max(1),
  stacked(
    {
      title: "Swap by device",
      description: "zram fills first. Once the disk's grows, what is needed again comes back slowly.",
      unit: units.BytesIEC,
      missing: missing.NO_SWAP,
      width: 6,
    },
    line(`airm_swap_used_bytes${H}`, "{{device}}"),
    line(`sum(airm_swap_size_bytes${H})`, "total"),
  ),
  lines(
    {
      title: "zram",
      description:
        "What it holds against the RAM that this takes. Near each other, compression gains nothing.",
      unit: units.BytesIEC,
      missing: missing.NO_ZRAM,
      width: 6,
    },
    line(`airm_zram_original_data_bytes${H}`, "{{device}} holds"),
    line(`airm_zram_compressed_data_bytes${H}`, "{{device}} compressed"),
    line(`airm_zram_memory_used_bytes${H}`, "{{device}} takes of the RAM"),
    line(`airm_zram_memory_limit_bytes${H} > 0`, "{{device}} limit"),
  ),
  counts(
    {
      title: "Killed for memory",
      description:
        "Processes that the kernel killed. In a service its limit did what it is for; elsewhere the host was out of memory.",
      unit: units.Short,
      missing: missing.NOT_SCRAPED,
      width: 6,
    },
    line(`increase(airm_oom_kills_total${H}[$__rate_interval])`, "all"),
    line(`increase(airm_oom_kills_elsewhere_total${H}[$__rate_interval])`, "outside the services"),
  ),
];
