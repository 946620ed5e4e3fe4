import { z } from "zod";
import { ReserveSettings } from "../ai-slice/schema";
import { WorkloadSettings } from "../cgroup-service/schema";
import { DockerEngineSettings } from "../docker-engine/schema";
import { EarlyOomSettings } from "../early-oom/schema";
import { HostConnectionSettings } from "../host-bundle/schema";
import { ModelsSettings } from "../model-storage/schema";
import { SwapFileSettings } from "../swap-file/schema";
import { ZramDeviceSettings } from "../zram-device/schema";
import { ManagerSettings } from "../manager/schema";
import { MonitorSettings, ThresholdSettings } from "../monitor/schema";
import { PrometheusSettings } from "../prometheus-stack/schema";
import { choiceField } from "../settings/fields";
import { NAME, NAME_RULE } from "../settings/name";

export const ObserveSetting = choiceField(["auto", "required", "warn", "off"], {
  description:
    "How `pulumi preview` looks at the host for drift: required (an unreachable host is an error), warn, or off. auto is required where CI is set, else warn.",
}).default("auto");

/** What can be shared by all hosts, and overridden deeply under one of them. */
export const SharedSettings = z.strictObject({
  observe: ObserveSetting,
  swap: SwapFileSettings.prefault({}),
  zram: ZramDeviceSettings.prefault({}),
  earlyOom: EarlyOomSettings.prefault({}),
  reserve: ReserveSettings.prefault({}),
  docker: DockerEngineSettings.prefault({}),
  models: ModelsSettings.prefault({}),
  workloads: z
    .record(z.string().regex(NAME, NAME_RULE), WorkloadSettings)
    .meta({
      description:
        "The AI workloads by name. A name is an identity on the host: another name is another workload.",
    })
    .default({}),
  monitor: MonitorSettings.prefault({}),
  prometheus: PrometheusSettings.prefault({}),
  manager: ManagerSettings.prefault({}),
  thresholds: ThresholdSettings.prefault({}),
});

/** All settings of one host. */
export const GoblinHostSettings = z.strictObject({
  ...HostConnectionSettings.shape,
  ...SharedSettings.shape,
});
export type GoblinHostSettings = z.input<typeof GoblinHostSettings>;
