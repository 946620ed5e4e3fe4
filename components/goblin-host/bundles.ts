import { guardProgram } from "../ai-slice/guard";
import { renderSlices } from "../ai-slice/render";
import { ReserveSettings } from "../ai-slice/schema";
import { renderCgroupService } from "../cgroup-service/render";
import { renderDockerEngine } from "../docker-engine/render";
import { DockerEngineSettings } from "../docker-engine/schema";
import { renderEarlyOom } from "../early-oom/render";
import { EarlyOomSettings } from "../early-oom/schema";
import type { Bundle } from "../host-bundle/bundle";
import { renderContainerReadiness, renderContainerUnit } from "../limited-container/render";
import { containerRevision } from "../limited-container/revision";
import { containerSpec } from "../limited-container/spec";
import { managerProgram } from "../manager/program";
import { renderManager } from "../manager/render";
import { renderModelStorage } from "../model-storage/render";
import { ModelsSettings } from "../model-storage/schema";
import { renderMonitorTimer } from "../monitor-timer/render";
import { monitorConfig, watchesGpus } from "../monitor/config";
import { monitorCommand, monitorImage, monitorRevision } from "../monitor/image";
import { renderMonitorHost } from "../monitor/render";
import { MonitorSettings, ThresholdSettings } from "../monitor/schema";
import { renderSwapFile } from "../swap-file/render";
import { SwapFileSettings } from "../swap-file/schema";
import { renderZramDevice } from "../zram-device/render";
import { ZramDeviceSettings } from "../zram-device/schema";
import { type DeclaredHost, type DeclaredWorkload, declareHost, valid } from "./declare";
import type { GoblinHostSettings } from "./schema";

/**
 * Every bundle of a host, in the order in which it is applied: what GoblinHost's components send, without Pulumi around
 * it (a test holds the two against each other).
 * @param settings valid settings
 * @param settingPath where a setting of this host stands in the configuration
 */
export function hostBundles(
  name: string,
  settings: GoblinHostSettings,
  settingPath: (path: string) => string,
): Bundle[] {
  const declared = declareHost(name, settings);
  const { modelsPath, workloads, daily } = declared;
  const monitor = valid(MonitorSettings, settings.monitor ?? {});
  return [
    renderManager(managerProgram().text, { before: workloads.map(({ unit }) => unit), daily }),
    renderZramDevice(valid(ZramDeviceSettings, settings.zram ?? {}), settingPath("zram")),
    renderSwapFile(valid(SwapFileSettings, settings.swap ?? {}), settingPath("swap")),
    renderEarlyOom(valid(EarlyOomSettings, settings.earlyOom ?? {})),
    renderSlices(
      workloads.map(({ settled }) => settled),
      {
        reserve: valid(ReserveSettings, settings.reserve ?? {}),
        guard: guardProgram(),
        modelsPath,
        setting: settingPath("reserve"),
        monitor,
      },
    ),
    renderDockerEngine(valid(DockerEngineSettings, settings.docker ?? {}), settingPath("docker")),
    renderModelStorage(valid(ModelsSettings, settings.models ?? {}), settingPath("models")),
    ...monitorBundles(monitor, settings, declared, settingPath("monitor")),
    ...workloads.flatMap((workload) =>
      workloadBundles(workload, modelsPath, settingPath(`workloads.${workload.name}`)),
    ),
  ];
}

function monitorBundles(
  monitor: ReturnType<typeof MonitorSettings.parse>,
  { thresholds = {} }: GoblinHostSettings,
  { workloads, modelsPath }: DeclaredHost,
  setting: string,
): Bundle[] {
  const watched = {
    monitor,
    thresholds: valid(ThresholdSettings, thresholds),
    workloads: workloads.map(({ settled }) => settled),
    modelsPath,
  };
  const config = monitorConfig(watched);
  return [
    renderMonitorHost(config, monitorCommand(), { gpu: watchesGpus(watched), setting }),
    renderMonitorTimer(monitor.collect, monitorRevision(monitorImage(), monitor.baseImage, config)),
  ];
}

function workloadBundles({ settled, as }: DeclaredWorkload, modelsPath: string, setting: string): Bundle[] {
  if ("service" in as) return [renderCgroupService(settled, { modelsPath, setting })];
  const revision = containerRevision(as.container.image, containerSpec(settled));
  return [renderContainerUnit(settled, setting), renderContainerReadiness(settled, revision, setting)];
}
