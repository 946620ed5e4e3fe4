import { guardProgram } from "../ai-slice/guard";
import { renderSlices } from "../ai-slice/render";
import { ReserveSettings } from "../ai-slice/schema";
import { renderCgroupService } from "../cgroup-service/render";
import { renderCredentials } from "../credentials/render";
import { renderDockerEngine } from "../docker-engine/render";
import { DockerEngineSettings } from "../docker-engine/schema";
import { renderEarlyOom } from "../early-oom/render";
import { EarlyOomSettings } from "../early-oom/schema";
import { renderContainerNetwork } from "../container-network/render";
import type { Bundle } from "../host-bundle/bundle";
import { firstName, ownerOf, type StackId } from "../host-bundle/identity";
import { type SentBundle, sentBundle } from "../host-bundle/sent";
import { renderContainerReadiness, renderContainerUnit } from "../limited-container/render";
import { containerRevision } from "../limited-container/revision";
import { containerSpec } from "../limited-container/spec";
import { managerProgram } from "../manager/program";
import { renderManager } from "../manager/render";
import { renderModelStorage } from "../model-storage/render";
import { ModelsSettings } from "../model-storage/schema";
import { renderMonitorTimer } from "../monitor-timer/render";
import { monitorConfig, watchesGpus } from "../monitor/config";
import { renderMonitorCredentials } from "../monitor-credentials/render";
import { type MonitorAddresses, SECRET_SINKS } from "../monitor-credentials/schema";
import { monitorCommand, monitorImage, monitorRevision } from "../monitor/image";
import { MONITOR_USER, renderMonitorHost } from "../monitor/render";
import { MonitorSettings, ThresholdSettings } from "../monitor/schema";
import { renderPrometheusCredentials } from "../prometheus-stack/receiver";
import { renderPrometheusStack } from "../prometheus-stack/render";
import { PrometheusSettings } from "../prometheus-stack/schema";
import { renderSwapFile } from "../swap-file/render";
import { SwapFileSettings } from "../swap-file/schema";
import { renderZramDevice } from "../zram-device/render";
import { ZramDeviceSettings } from "../zram-device/schema";
import { PACKAGES_AHEAD } from "./ahead";
import { type DeclaredHost, type DeclaredWorkload, declareHost, valid } from "./declare";
import type { GoblinHostSettings } from "./schema";
import type { ConfiguredHost } from "./stack";

/** What the HostBundle that applies a bundle is called, after the host's name and a dash. */
type Part = readonly [resource: string, bundle: Bundle];

/**
 * Every bundle of a host as it is sent, in the order in which it is applied: what GoblinHost's components send, without
 * Pulumi around it (a test holds the two against each other).
 */
export function hostBundles(host: ConfiguredHost, stack: StackId): SentBundle[] {
  const { name, settings } = host;
  const declared = declareHost(name, settings);
  const { firstNames } = declared.connection;
  return hostParts(host, declared).map(([resource, bundle]) =>
    sentBundle(bundle, ownerOf(stack, `${name}-${resource}`, firstNames)),
  );
}

function hostParts(host: ConfiguredHost, declared: DeclaredHost): Part[] {
  const { name, settings, credentials, monitorCredentials, settingPath } = host;
  const { workloads, daily, hasNetwork, hasPrometheus } = declared;
  const { path: modelsPath } = declared.models;
  const monitor = valid(MonitorSettings, settings.monitor ?? {});
  const before = workloads.map(({ unit }) => unit);
  const slices = renderSlices(
    workloads.map(({ settled }) => settled),
    {
      reserve: valid(ReserveSettings, settings.reserve ?? {}),
      guard: guardProgram(),
      modelsPath,
      setting: settingPath("reserve"),
      monitor,
    },
  );
  return [
    ["manager-bundle", renderManager(managerProgram().text, { before, daily, ahead: PACKAGES_AHEAD })],
    ["zram-bundle", renderZramDevice(valid(ZramDeviceSettings, settings.zram ?? {}), settingPath("zram"))],
    ["swap-bundle", renderSwapFile(valid(SwapFileSettings, settings.swap ?? {}), settingPath("swap"))],
    ["earlyoom-bundle", renderEarlyOom(valid(EarlyOomSettings, settings.earlyOom ?? {}))],
    ["slices-bundle", slices],
    [
      "docker-bundle",
      renderDockerEngine(valid(DockerEngineSettings, settings.docker ?? {}), settingPath("docker")),
    ],
    [
      "models-bundle",
      renderModelStorage(valid(ModelsSettings, settings.models ?? {}), settingPath("models")),
    ],
    ...monitorParts(
      firstName(name, declared.connection.firstNames),
      monitor,
      settings,
      declared,
      settingPath("monitor"),
      monitorCredentials,
    ),
    ...(hasPrometheus ? prometheusParts(host, declared) : []),
    ...(hasNetwork
      ? [["network-bundle", renderContainerNetwork(settingPath("workloads"))] satisfies Part]
      : []),
    ...workloads.flatMap((workload) => {
      const setting = settingPath(`workloads.${workload.name}`);
      const secrets = Object.hasOwn(credentials, workload.name) ? credentials[workload.name] : undefined;
      return workloadParts(workload, modelsPath, setting, secrets);
    }),
  ];
}

function monitorParts(
  host: string,
  monitor: ReturnType<typeof MonitorSettings.parse>,
  { thresholds = {} }: GoblinHostSettings,
  { workloads, models }: DeclaredHost,
  setting: string,
  addresses: MonitorAddresses,
): Part[] {
  const watched = {
    host,
    monitor,
    thresholds: valid(ThresholdSettings, thresholds),
    workloads: workloads.map(({ settled }) => settled),
    models,
    credentials: SECRET_SINKS.filter((sink) => addresses[sink] !== undefined),
  };
  const config = monitorConfig(watched);
  return [
    ...(watched.credentials.length > 0
      ? [["monitor-credentials", renderMonitorCredentials(addresses, MONITOR_USER)] satisfies Part]
      : []),
    ["monitor-bundle", renderMonitorHost(config, monitorCommand(), { gpu: watchesGpus(watched), setting })],
    [
      "monitor-timer-bundle",
      renderMonitorTimer(monitor.collect, monitorRevision(monitorImage(), monitor.baseImage, config)),
    ],
  ];
}

function prometheusParts(
  { name, settings, prometheusCredentials, settingPath }: ConfiguredHost,
  { connection }: DeclaredHost,
): Part[] {
  const hasSecretConfig = prometheusCredentials.webhook !== undefined;
  const stack = renderPrometheusStack(valid(PrometheusSettings, settings.prometheus ?? {}), {
    host: firstName(name, connection.firstNames),
    monitor: valid(MonitorSettings, settings.monitor ?? {}),
    reserve: valid(ReserveSettings, settings.reserve ?? {}),
    hasSecretConfig,
    setting: settingPath("prometheus"),
    monitorSetting: settingPath("monitor"),
  });
  return [
    ...(hasSecretConfig
      ? [["prometheus-credentials", renderPrometheusCredentials(prometheusCredentials)] satisfies Part]
      : []),
    ["prometheus-bundle", stack],
  ];
}

function workloadParts(
  { name, settled, as }: DeclaredWorkload,
  modelsPath: string,
  setting: string,
  credentials: Readonly<Record<string, string>> = {},
): Part[] {
  if ("service" in as) {
    const secrets = Object.keys(credentials);
    const service = renderCgroupService(settled, { modelsPath, setting, credentials: secrets });
    return [
      ...(secrets.length > 0
        ? [[`${name}-credentials`, renderCredentials(name, credentials)] satisfies Part]
        : []),
      [`${name}-bundle`, service],
    ];
  }
  const revision = containerRevision(as.container.image, containerSpec(settled));
  return [
    [`${name}-bundle`, renderContainerUnit(settled, setting)],
    [`${name}-ready`, renderContainerReadiness(settled, revision, setting)],
  ];
}
