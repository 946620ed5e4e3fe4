import type { z } from "zod";
import type { ReserveSettings } from "../ai-slice/schema";
import { toLimits } from "../cgroup-service/limits";
import type { Bundle, BundleFile, BundleUnit, Limits } from "../host-bundle/bundle";
import type { MonitorSettings } from "../monitor/schema";
import { renderPrometheusRules } from "../prometheus/rules";
import { parseDuration } from "../render/duration";
import { dropIn } from "../render/drop-in";
import { listenText, renderAlertmanagerConfig, renderPrometheusConfig } from "./config";
import { monitorScrape } from "./monitor-scrape";
import {
  ALERTMANAGER_UNIT,
  alertmanagerCommand,
  type Credentials,
  credentialPath,
  PROMETHEUS_PACKAGES,
  PROMETHEUS_SLICE,
  PROMETHEUS_UNIT,
  programLimits,
  prometheusCommand,
  renderProgramDropIn,
  renderStackSlice,
  type Share,
  sliceLimits,
  STATE_FOLDER,
} from "./programs";
import { SECRET_CONFIG } from "./receiver";
import { stackRequires } from "./requires";
import type { PrometheusSettings } from "./schema";

/** A folder of our own: what is in /etc/prometheus is Debian's, and the owner's. */
const FOLDER = "/etc/goblin-host/prometheus";
const CONFIG = `${FOLDER}/prometheus.yml`;
const RULES = "ai-resource-monitor.rules.yml";
const PUBLIC_CONFIG = `${FOLDER}/alertmanager.yml`;
const CREDENTIAL = "alertmanager.yml";

/** What was measured since the last block is replayed first, which takes its time on a slow disk. */
const READY_SECONDS = 180;

/** What the bundle needs to know beside its settings. */
export interface StackContext {
  /** How alerts call the host. */
  readonly host: string;
  /** The settings of the monitor that is scraped. */
  readonly monitor: z.output<typeof MonitorSettings>;
  readonly reserve: z.output<typeof ReserveSettings>;
  /** Whether a bundle before this one brings Alertmanager's configuration (renderPrometheusCredentials). */
  readonly hasSecretConfig: boolean;
  /** Path of the settings, for the host's error messages. */
  readonly setting: string;
  /** Path of the monitor's. */
  readonly monitorSetting: string;
}

/** One of the two programs, as its unit runs it. */
interface Program {
  readonly unit: string;
  readonly command: readonly string[];
  readonly share: Share;
  /** Its folder below the one of both. */
  readonly state: string;
  readonly credentials: Credentials;
  readonly restartOn: readonly string[];
  /** `ADDRESS:PORT` */
  readonly listens: string;
}

/**
 * The `prometheus-stack` bundle: Debian's prometheus and prometheus-alertmanager, with a configuration, data and limits of their own.
 * @throws RangeError where the monitor cannot be scraped (monitorScrape)
 */
export function renderPrometheusStack(
  settings: z.output<typeof PrometheusSettings>,
  context: StackContext,
): Bundle {
  const { listen, alertmanager } = settings;
  const { host, monitor, reserve, hasSecretConfig, setting } = context;
  const { target, credentials } = monitorScrape(settings, monitor);
  const config = alertmanager.config ?? (hasSecretConfig ? SECRET_CONFIG : undefined);
  const programs: Program[] = [
    {
      unit: ALERTMANAGER_UNIT,
      command: alertmanagerCommand(
        settings,
        config === undefined ? PUBLIC_CONFIG : credentialPath(ALERTMANAGER_UNIT, CREDENTIAL),
      ),
      share: alertmanager,
      state: "alertmanager",
      credentials: config === undefined ? {} : { [CREDENTIAL]: config },
      restartOn: config === undefined ? [PUBLIC_CONFIG] : hasSecretConfig ? [SECRET_CONFIG] : [],
      listens: listenText(alertmanager.listen),
    },
    {
      unit: PROMETHEUS_UNIT,
      command: prometheusCommand(settings, CONFIG),
      share: settings,
      state: "metrics",
      credentials,
      restartOn: [`${FOLDER}/${RULES}`, CONFIG],
      listens: listenText(listen),
    },
  ];
  const slice = sliceLimits([settings, alertmanager], reserve.cores);
  const configuration = { host, monitor: target, prometheus: listen, alertmanager: alertmanager.listen };
  return {
    name: "prometheus-stack",
    requires: stackRequires(settings, context),
    files: {
      [CONFIG]: file(renderPrometheusConfig({ ...configuration, rules: RULES })),
      [`${FOLDER}/${RULES}`]: file(rulesOf(monitor)),
      ...(config === undefined ? { [PUBLIC_CONFIG]: file(renderAlertmanagerConfig()) } : {}),
      [`/etc/systemd/system/${PROMETHEUS_SLICE}`]: file(renderStackSlice(slice)),
      ...byUnit(programs, (program) => file(renderProgramDropIn(program.command, program)), dropIn),
    },
    folders: { [`/var/lib/${STATE_FOLDER}`]: { data: true, setting } },
    packages: PROMETHEUS_PACKAGES.map(({ name }) => name),
    units: byUnit(programs, unitOf),
    ready: byUnit(programs, ({ listens }) => ({
      http: `http://${listens}/-/ready`,
      timeoutSeconds: READY_SECONDS,
      setting,
    })),
    limits: {
      [PROMETHEUS_SLICE]: toLimits(slice),
      ...byUnit(programs, ({ share }): Limits => ({
        ...toLimits(programLimits(share)),
        Slice: PROMETHEUS_SLICE,
      })),
    },
  };
}

function unitOf({ unit, command, restartOn }: Program): BundleUnit {
  return {
    enabled: true,
    active: true,
    restartOn: [...restartOn, dropIn(unit)].sort(),
    cmdline: command.join(" "),
  };
}

function rulesOf({ alerts, interval }: StackContext["monitor"]): string {
  return renderPrometheusRules({
    for: `${parseDuration(alerts.for)}s`,
    intervalSeconds: parseDuration(interval),
  });
}

function byUnit<T>(
  programs: readonly Program[],
  of: (program: Program) => T,
  key = (unit: string): string => unit,
): Record<string, T> {
  return Object.fromEntries(programs.map((program) => [key(program.unit), of(program)]));
}

function file(content: string): BundleFile {
  return { mode: "0644", content };
}
