import { z } from "zod";
import { VARIABLE, VARIABLE_RULE } from "../credentials/schema";
import { ContainerFields } from "../limited-container/schema";
import { GpuSettings } from "./gpu-schema";
import { HealthSettings } from "./health-schema";
import { parseHealthUrl } from "./health-url";
import { classWeight, CpuSettings, type IoInput, IoSettings, MemorySettings } from "./limits-schema";
import { ENGINES } from "./engine";
import { HARDENING_DIRECTIVES } from "./hardening";
import { choiceField, integerField } from "../settings/fields";
import { textField } from "../settings/field";
import { lineField, pathField, valueField, wordField } from "../settings/text-fields";
import { parseCommandLine } from "./command-line";
import { parseSlice, parseUnit } from "./unit";

const HardeningSettings = z.strictObject({
  profile: choiceField(["standard", "gpu", "none"], {
    description:
      "gpu is standard with the GPU's device nodes left visible. Default: gpu for a workload with `gpu`, else standard.",
  }).optional(),
  except: z
    .array(
      choiceField(HARDENING_DIRECTIVES, {
        description: "A systemd directive of the profile that is left out.",
      }),
    )
    .meta({ description: "Directives of the profile that this workload cannot bear, by name." })
    .default([]),
});
type HardeningInput = "standard" | "gpu" | "none" | z.input<typeof HardeningSettings>;

const ExecSettings = z.strictObject({
  start: lineField(
    {
      description:
        "Command line of the service in systemd's syntax (systemd.service(5)): an absolute path, then arguments; no prefix such as +.",
      example: "/usr/local/bin/ollama serve",
      allowed: "an absolute path and its arguments, on one line",
    },
    parseCommandLine,
  ),
  user: wordField({
    description: "User it runs as. Default: one that systemd makes for as long as it runs (DynamicUser).",
    example: "ollama",
    allowed: "a user name",
    pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
  }).optional(),
});
type ExecInput = string | z.input<typeof ExecSettings>;

const unitName = textField(
  {
    description:
      "Unit that runs it. Default NAME.service. Its vendor's unit file is never touched: drop-ins only.",
    example: "ollama.service",
    allowed: "NAME.service, of letters, digits and . _ : @ -, and none of the system's",
    fix: null,
  },
  parseUnit,
);

/** The settings of one workload: of a {@link CgroupService} or of a {@link LimitedContainer}. */
export const WorkloadSettings = z.strictObject({
  runtime: choiceField(["systemd", "container"], { description: "What runs it." }).default("systemd"),
  unit: unitName.optional(),
  slice: textField(
    {
      description:
        "Its slice under ai.slice. One word after ai-, because dashes nest. Default ai-NAME without NAME's dashes.",
      example: "ai-ollama",
      allowed: "ai- and one word of small letters, digits and _",
      fix: null,
    },
    parseSlice,
  ).optional(),
  engine: choiceField(ENGINES, {
    description:
      "What serves the models. The variables that keep it inside memory.max follow from this, and Ollama sees its own limit. Default: by the name of its program (`exec`, `entrypoint`), image, unit or workload: ollama, llama-server, llama.cpp, llama-cpp or llamacpp; else none.",
  }).optional(),
  api: textField(
    {
      description:
        "Where its engine answers on the host, which the monitor asks what it has loaded and does; none: it is not asked. Default: by OLLAMA_HOST in `environment`, or by --host and --port or LLAMA_ARG_HOST and LLAMA_ARG_PORT of llama-server, or the port that a container publishes; other engines are not asked.",
      example: "http://127.0.0.1:11434",
      allowed: "an http URL without spaces: http://ADDRESS[:PORT][/PATH], or none",
    },
    (text) => (text === "none" ? text : parseHealthUrl(text)),
  ).optional(),
  apiKeyFile: wordField({
    description:
      "A file on the host with the API key that the monitor asks llama-server with, kept there by you: Pulumi knows nothing of what is in it. Give it to the monitor's user alone: chown 65532, chmod 0400.",
    example: "/etc/ai-resource-monitor/llamacpp.key",
    allowed: "a file right below /etc/ai-resource-monitor, with .key at its end",
    pattern: /^\/etc\/ai-resource-monitor\/[A-Za-z0-9_-]+\.key$/,
  }).optional(),
  memory: MemorySettings,
  cpu: CpuSettings.prefault({}),
  io: z
    .transform((given: IoInput) => (typeof given === "object" ? given : { weight: classWeight(given) }))
    .pipe(IoSettings)
    .prefault({})
    .meta({
      description: "Its part of the disk: a class, a weight, or weight and hard limits.",
      allowed:
        "high, medium, low, a weight from 1 to 10000, or a map of weight, readBandwidth, writeBandwidth, readIops, writeIops",
      example: "medium",
    }),
  tasks: integerField({
    description: "Most processes and threads.",
    min: 16,
    max: 4194304,
    example: "4096",
  }).prefault(4096),
  hardening: z
    .transform((given: HardeningInput) => (typeof given === "string" ? { profile: given } : given))
    .pipe(HardeningSettings)
    .prefault({})
    .meta({
      description:
        "What the service is kept from: a profile, or a profile with exceptions. At most 3.0 in `systemd-analyze security`.",
      allowed: "standard, gpu, none, or a map of profile and except",
      example: "standard",
    }),
  readablePaths: z
    .array(
      pathField({
        description: "A file or folder that it may read; one that is missing is ignored.",
        example: "/home/me/models",
      }),
    )
    .meta({
      description:
        "Files and folders that stay visible to it, read-only, where its hardening hides the rest: in /home, /root, /run/user, /tmp and /var/tmp. What its program writes to by custom (HF_HOME), and shall only read, is named here, too.",
    })
    .default([]),
  writablePaths: z
    .array(pathField({ description: "A folder that it may write to; one that is missing is ignored." }))
    .meta({
      description:
        "Folders it may write to beside the usual ones of its name, the models, and those that its own `exec` and `environment` name. The rest of the host is read-only to it.",
    })
    .default([]),
  gpu: GpuSettings.optional(),
  environment: z
    .record(
      z.string().regex(VARIABLE, VARIABLE_RULE),
      valueField({
        description: "A value; plain text in Pulumi's state and on the host, so no secret (see credentials).",
        example: "1",
        fix: null,
        allowed: 'text on one line, a number, true or false; "" for an empty one',
      }),
    )
    .meta({
      description:
        "Environment variables. They win over those derived from its limits, whatever they hold. true and 8 are the texts true and 8; what must keep its every digit (1.10) stands in quotes.",
      allowed: "a map from a variable's name to its value",
    })
    .default({}),
  environmentFile: pathField({
    description:
      "A file of NAME=VALUE lines on the host, kept there by you (EnvironmentFile=): Pulumi knows nothing of what is in it. Services only.",
    example: "/etc/ollama.env",
  }).optional(),
  after: z
    .array(
      wordField({
        description: "A unit.",
        example: "network-online.target",
        allowed: "a unit name",
        pattern: /^[A-Za-z0-9][A-Za-z0-9._:@-]*\.[a-z]+$/,
      }),
    )
    .meta({ description: "Units that it starts after." })
    .default([]),
  exec: z
    .transform((given: ExecInput) => (typeof given === "object" ? given : { start: given }))
    .pipe(ExecSettings)
    .optional()
    .meta({
      description:
        "For a service whose unit this project writes: its command line, or a map of start and user. Without it the unit must exist.",
      allowed: "an absolute path and its arguments, on one line, or a map of start and user",
      example: "/usr/local/bin/ollama serve",
    }),
  health: HealthSettings.optional(),
  ...ContainerFields,
});
export type WorkloadSettings = z.input<typeof WorkloadSettings>;
export type Workload = z.output<typeof WorkloadSettings>;

/** Settings of a workload as a library user gives them to a CgroupService, which is always under systemd. */
export const CgroupServiceSettings = WorkloadSettings.omit({
  runtime: true,
  image: true,
  command: true,
  entrypoint: true,
  ports: true,
  network: true,
  volumes: true,
  user: true,
  capabilities: true,
  tmpfs: true,
  readOnlyRoot: true,
  stopGrace: true,
});
export type CgroupServiceSettings = z.input<typeof CgroupServiceSettings>;

/** Settings of a workload as a library user gives them to a LimitedContainer, which is handed its network itself. */
export const LimitedContainerSettings = WorkloadSettings.omit({
  runtime: true,
  network: true,
  exec: true,
  hardening: true,
  readablePaths: true,
  writablePaths: true,
  environmentFile: true,
  after: true,
}).required({ image: true });
export type LimitedContainerSettings = z.input<typeof LimitedContainerSettings>;

/** The keys that a LimitedContainer does not have. */
export const SERVICE_ONLY = [
  ...[
    "runtime",
    "network",
    "exec",
    "hardening",
    "readablePaths",
    "writablePaths",
    "environmentFile",
    "after",
  ],
];
