/** A recording rule: what dashboards and people ask for is computed once, and has one name. */
export interface Recorded {
  readonly record: string;
  readonly expr: string;
}

/** Two samples at a scrape interval of a minute. */
const RATE = "3m";

const rate = (counter: string): string => `rate(airm_${counter}_total[${RATE}])`;
/** Of what was counted meanwhile: none of it is no ratio, rather than NaN. */
const part = (of: string, all: string): string => `${of} / (${all} > 0)`;
const recorded = (name: string, expr: string): Recorded => ({ record: `airm:${name}`, expr });

/** Seconds of waiting per second are the part of the time in which somebody waited (PSI). */
const pressure = (name: string, counter: string): Recorded[] =>
  ["cpu_waiting", "memory_waiting", "io_waiting", "memory_stalled", "io_stalled"].map((kind) =>
    recorded(`${name}_${kind}:ratio`, rate(`${counter}_${kind}_seconds`)),
  );

const HOST: readonly Recorded[] = [
  recorded("cpu:cores", rate("cpu_seconds")),
  ...pressure("pressure", "pressure"),
  recorded("disk_read:bytes_per_second", rate("disk_read_bytes")),
  recorded("disk_written:bytes_per_second", rate("disk_written_bytes")),
  recorded("disk_busy:ratio", rate("disk_io_time_seconds")),
  recorded("network_receive:bytes_per_second", rate("network_receive_bytes")),
  recorded("network_transmit:bytes_per_second", rate("network_transmit_bytes")),
  ...["receive", "transmit"].map((way) =>
    recorded(
      `network_${way}_lost:packets_per_second`,
      `${rate(`network_${way}_errors`)} + ${rate(`network_${way}_drop`)}`,
    ),
  ),
];

const SERVICES: readonly Recorded[] = [
  recorded("service_cpu:cores", rate("service_cpu_usage_seconds")),
  recorded(
    "service_cpu_throttled:ratio",
    part(rate("service_cpu_cfs_throttled_periods"), rate("service_cpu_cfs_periods")),
  ),
  ...pressure("service", "service_pressure"),
  recorded("service_memory_refaulted:bytes_per_second", rate("service_memory_refaulted_bytes")),
  recorded("service_fs_reads:bytes_per_second", rate("service_fs_reads_bytes")),
  recorded("service_fs_writes:bytes_per_second", rate("service_fs_writes_bytes")),
  recorded("service_network_receive:bytes_per_second", rate("service_network_receive_bytes")),
  recorded("service_network_transmit:bytes_per_second", rate("service_network_transmit_bytes")),
];

/** What a llama-server did: how much of it there was, and how fast it is while it works. */
const TOKENS: readonly Recorded[] = [
  ...["prompt", "predicted"].flatMap((kind) => [
    recorded(`service_${kind}_tokens:per_second`, rate(`service_${kind}_tokens`)),
    recorded(
      `service_${kind}_tokens:per_busy_second`,
      part(rate(`service_${kind}_tokens`), rate(`service_${kind}_seconds`)),
    ),
  ]),
  recorded(
    "service_prompt_tokens_cached:ratio",
    part(
      rate("service_prompt_cached_tokens"),
      `(${rate("service_prompt_cached_tokens")} + ${rate("service_prompt_tokens")})`,
    ),
  ),
];

export const RATES: readonly Recorded[] = [...HOST, ...SERVICES, ...TOKENS];
