import type { z } from "zod";
import { hardeningDirectives } from "../cgroup-service/hardening";
import { type Limit, plain, size, toDirectives } from "../cgroup-service/limits";
import type { PackageAhead } from "../host-bundle/bundle";
import { quoteEnvironment, quoteExecArgument } from "../render/shell";
import { Size } from "../render/size";
import { type Directive, renderUnitFile, replacing } from "../render/unit-file";
import { listenText } from "./config";
import { type PrometheusSettings, usualHigh } from "./schema";

type Settled = z.output<typeof PrometheusSettings>;

export const PROMETHEUS_UNIT = "prometheus.service";
export const ALERTMANAGER_UNIT = "prometheus-alertmanager.service";

/** Outside ai.slice, whose memory neither takes from the other. */
export const PROMETHEUS_SLICE = "prometheus.slice";

/** What both keep, below /var/lib, apart from the folders of Debian's packages, which their purge deletes. */
export const STATE_FOLDER = "goblin-prometheus";

/** Of Debian. Their recommendations, a node_exporter among them, are not installed. */
export const PROMETHEUS_PACKAGES: readonly Pick<PackageAhead, "name">[] = [
  { name: "prometheus" },
  { name: "prometheus-alertmanager" },
];

/**
 * The most samples that one query may load, 16 bytes each: a tenth of Prometheus' own default, which is more than all the memory
 * that it has here. A query for more fails, in the place of Prometheus.
 */
const MOST_SAMPLES = 5_000_000;

/** What one of the two programs may take. */
export type Share = Pick<Settled, "memory" | "cpu">;

/** What systemd reads as root and hands to the program alone: the name there, and the file. */
export type Credentials = Readonly<Record<string, string>>;

/** Where a unit finds one of its credentials (systemd.exec(5), LoadCredential=). */
export function credentialPath(unit: string, name: string): string {
  return `/run/credentials/${unit}/${name}`;
}

export function prometheusCommand({ listen, retention }: Settled, configFile: string): string[] {
  return [
    "/usr/bin/prometheus",
    `--config.file=${configFile}`,
    `--query.max-samples=${MOST_SAMPLES}`,
    `--storage.tsdb.path=/var/lib/${STATE_FOLDER}/metrics`,
    `--storage.tsdb.retention.size=${retention.size.bytes}B`,
    `--storage.tsdb.retention.time=${retention.days}d`,
    // Links in alerts lead through a tunnel that has the same port at its end (nextSteps).
    `--web.external-url=http://127.0.0.1:${listen.port}/`,
    `--web.listen-address=${listenText(listen)}`,
  ];
}

export function alertmanagerCommand({ alertmanager: { listen } }: Settled, configFile: string): string[] {
  return [
    "/usr/bin/prometheus-alertmanager",
    // Alone: it would listen for others on every address.
    "--cluster.listen-address=",
    `--config.file=${configFile}`,
    `--storage.path=/var/lib/${STATE_FOLDER}/alertmanager`,
    `--web.external-url=http://127.0.0.1:${listen.port}/`,
    `--web.listen-address=${listenText(listen)}`,
  ];
}

/** The limits of one of them, as systemd and the kernel have them. */
export function programLimits({ memory, cpu }: Share): Limit[] {
  return [
    size("MemoryMax", memory.max),
    size("MemoryHigh", highOf(memory)),
    size("MemoryLow", lowOf(memory)),
    // A limit that slows down needs somewhere to reclaim to, or what is behind it stands still.
    size("MemorySwapMax", memory.max.share(50)),
    plain("CPUQuota", `${cpu.quota}%`),
    plain("CPUWeight", 100),
    plain("IOWeight", 50),
    plain("TasksMax", 128),
  ];
}

function highOf({ max, high = usualHigh(max) }: Share["memory"]): Size {
  return high;
}

/** What is left to it while others can be reclaimed: a quarter of max, and never more than high. */
function lowOf(memory: Share["memory"]): Size {
  const [quarter, high] = [memory.max.share(25), highOf(memory)];
  return quarter.bytes < high.bytes ? quarter : high;
}

/** Both together. What they weigh against ai.slice and the rest of the system is a utility's: never more, and not nothing. */
export function sliceLimits(shares: readonly Share[], cores: string | undefined): Limit[] {
  const sum = (of: (share: Share) => Size) =>
    shares.reduce((total, share) => total.plus(of(share)), Size.ofBytes(0));
  return [
    size(
      "MemoryMax",
      sum(({ memory }) => memory.max),
    ),
    size(
      "MemoryLow",
      sum(({ memory }) => lowOf(memory)),
    ),
    plain("CPUWeight", 100),
    plain("IOWeight", 50),
    ...(cores === undefined ? [] : [plain("AllowedCPUs", cores)]),
  ];
}

export function renderStackSlice(limits: readonly Limit[]): string {
  return renderUnitFile({
    Unit: [["Description", "Prometheus and Alertmanager of goblin-host"]],
    Slice: toDirectives(limits),
  });
}

/** The drop-in of one of Debian's units: our command line, limits and hardening; its user and what is left stay. */
export function renderProgramDropIn(
  command: readonly string[],
  { share, state, credentials }: { share: Share; state: string; credentials: Credentials },
): string {
  const { memory, cpu } = share;
  return renderUnitFile({
    Service: [
      ...replacing("ExecStart", command.map(quoteExecArgument).join(" ")),
      // Debian's /etc/default has the arguments, and would have the last word on these variables.
      ["EnvironmentFile", ""],
      ["Environment", quoteEnvironment("GOMAXPROCS", String(Math.max(1, Math.floor(cpu.quota / 100))))],
      ["Environment", quoteEnvironment("GOMEMLIMIT", highOf(memory).share(90).toString())],
      ...Object.entries(credentials).map(([name, file]): Directive => ["LoadCredential", `${name}:${file}`]),
      // Of a crash, and of a kill at its limit; for ever, because nobody else starts it again.
      ["Restart", "on-failure"],
      ["RestartSec", "5s"],
      // Debian's waits 20 s, and then leaves it running, with its port.
      ["SendSIGKILL", "yes"],
      ["Slice", PROMETHEUS_SLICE],
      ["StateDirectory", `${STATE_FOLDER}/${state}`],
      ["StateDirectoryMode", "0700"],
      ...toDirectives(programLimits(share)),
      ...hardening(),
    ],
  });
}

/** What a service that runs as root needs and these do not; Debian's Prometheus has a part of it, its Alertmanager none. */
function hardening(): Directive[] {
  return [
    ...hardeningDirectives({
      profile: "standard",
      except: ["CapabilityBoundingSet"],
      writablePaths: [],
      readablePaths: [],
      namedPaths: [],
      gpu: undefined,
    }),
    ["CapabilityBoundingSet", ""],
    ["MemoryDenyWriteExecute", "yes"],
    ["PrivateUsers", "yes"],
    ["RemoveIPC", "yes"],
    ["UMask", "0077"],
  ];
}
