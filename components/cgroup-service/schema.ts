import { z } from "zod";
import {
  choiceField,
  coresField,
  flagField,
  integerField,
  lineField,
  pathField,
  quotaField,
  sizeField,
  tokenField,
  valueField,
  wordField,
} from "../settings/fields";
import { ContainerFields } from "./container-schema";
import { HARDENING_DIRECTIVES } from "./hardening";

/** Weights of the specification's IO classes (its container table). */
export const IO_CLASSES = { high: 100, medium: 80, low: 50 } as const;

const bandwidth = (what: string) =>
  sizeField({
    description: `Most bytes per second ${what} the disk that holds the models.`,
    example: "100MiB",
    least: "1MiB",
  }).optional();
const operations = (what: string) =>
  integerField({
    description: `Most operations per second ${what} the disk that holds the models.`,
    min: 1,
    max: 10_000_000,
    example: "1000",
  }).optional();

const IoSettings = z.strictObject({
  weight: integerField({
    description:
      "Share of the disk under contention, against 100 of other services. high is 100, medium 80, low 50.",
    min: 1,
    max: 10000,
    example: "100",
  }).prefault(IO_CLASSES.medium),
  readBandwidth: bandwidth("read from"),
  writeBandwidth: bandwidth("written to"),
  readIops: operations("reading from"),
  writeIops: operations("writing to"),
});
/** A class, a weight (a number, or its digits), or a map. */
type IoInput = keyof typeof IO_CLASSES | number | `${number}` | z.input<typeof IoSettings>;

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
  start: lineField({
    description:
      "Command line of the service in systemd's syntax (systemd.service(5)): an absolute path, then arguments.",
    example: "/usr/local/bin/ollama serve",
    allowed: "an absolute path and its arguments, on one line",
  }),
  user: wordField({
    description: "User it runs as. Default: one that systemd makes for as long as it runs (DynamicUser).",
    example: "ollama",
    allowed: "a user name",
    pattern: /^[a-z_][a-z0-9_-]{0,31}$/,
  }).optional(),
});
type ExecInput = string | z.input<typeof ExecSettings>;

const MemorySettings = z
  .strictObject({
    max: sizeField({
      description:
        "The most RAM the workload may use, page cache of its model files included. At it, the kernel reclaims, then kills inside the workload.",
      example: "8GiB",
      least: "16MiB",
    }),
    high: sizeField({
      description: "Where the kernel begins to slow it down and reclaim. Default 90% of max, in whole MiB.",
      example: "7GiB",
      least: "1MiB",
    }).optional(),
    low: sizeField({
      description: "RAM that is left to it while others can be reclaimed. Default 25% of max.",
      example: "2GiB",
      zero: true,
    }).optional(),
    swap: sizeField({
      description:
        "The most swap it may use; 0 for none. Without an allowance, `high` can stall it instead of ending it. Default 50% of max.",
      example: "4GiB",
      zero: true,
    }).optional(),
    legacyLimit: flagField({
      description:
        "Also writes MemoryLimit=, so that `systemctl show -p MemoryLimit` prints the limit; systemd 252 warns about it. Set false where systemd no longer knows it.",
    }).default(true),
  })
  .superRefine(({ max, high, low }, context) => {
    const refuse = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message, params: { fix: null } });
    };
    if (high !== undefined && high.bytes >= max.bytes)
      refuse("high", `it must be below max, ${max} (without it: 90% of max)`);
    const ceiling = high ?? max.share(90);
    if (low !== undefined && low.bytes > ceiling.bytes)
      refuse("low", `it must not be above high, ${ceiling} (without it: 25% of max)`);
  });

const CpuSettings = z.strictObject({
  quota: quotaField({
    description:
      "CPU time it may use: 200% is two cores' worth. Threads are set to match. Default: no quota.",
  }).optional(),
  cores: coresField({
    description: "Cores it runs on (AllowedCPUs and CPUAffinity). The host must have them. Default: any.",
    example: "0-7",
  }).optional(),
  weight: integerField({
    description:
      "Share of CPU time under contention. Default by IO class: high 200, medium 150, low 100, so that AI services precede utilities.",
    min: 1,
    max: 10000,
    example: "200",
  }).optional(),
});

const GpuSettings = z.strictObject({
  devices: z
    .array(
      tokenField({
        description: "A GPU by its number, or by its UUID as `nvidia-smi -L` prints it.",
        example: "0",
        allowed: "a number, GPU-UUID or MIG-UUID",
        pattern: /^([0-9]{1,2}|(GPU|MIG)-[A-Za-z0-9-]{1,64})$/,
      }),
    )
    .meta({ description: "GPUs it may use (DeviceAllow and CUDA_VISIBLE_DEVICES)." }),
});

const unitName = wordField({
  description:
    "Unit that runs it. Default NAME.service. Its vendor's unit file is never touched: drop-ins only.",
  example: "ollama.service",
  allowed: "NAME.service, of letters, digits and . _ : @ -",
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:-]*(@[A-Za-z0-9._:-]+)?\.service$/,
});

/** The settings of one workload: of a {@link CgroupService} here, of a container in a later version. */
export const WorkloadSettings = z.strictObject({
  runtime: choiceField(["systemd", "container"], { description: "What runs it." }).default("systemd"),
  unit: unitName.optional(),
  slice: wordField({
    description:
      "Its slice under ai.slice. One word after ai-, because dashes nest. Default ai-NAME without NAME's dashes.",
    example: "ai-ollama",
    allowed: "ai- and one word of small letters and digits",
    pattern: /^ai-[a-z0-9_]{1,40}$/,
  }).optional(),
  memory: MemorySettings,
  cpu: CpuSettings.prefault({}),
  io: z
    .transform((given: IoInput) => (typeof given === "object" ? given : { weight: classWeight(given) }))
    .pipe(IoSettings)
    .prefault({})
    .meta({
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
    .meta({ allowed: "standard, gpu, none, or a map of profile and except", example: "standard" }),
  writablePaths: z
    .array(pathField({ description: "A folder that it may write to; one that is missing is ignored." }))
    .meta({
      description:
        "Folders it may write to beside the usual ones of its name and the models. The rest of the host is read-only to it.",
    })
    .default([]),
  gpu: GpuSettings.optional(),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable's name has letters, digits and _"),
      valueField({
        description: "A value; plain text in Pulumi's state and on the host, so no secret.",
        example: "1",
        allowed: "text on one line",
      }),
    )
    .meta({ description: "Environment variables. They win over those derived from the CPU limits." })
    .default({}),
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
    }),
  ...ContainerFields,
});
export type WorkloadSettings = z.input<typeof WorkloadSettings>;
export type Workload = z.output<typeof WorkloadSettings>;

/** Settings of a workload as a library user gives them to a CgroupService, which is always under systemd. */
export const CgroupServiceSettings = WorkloadSettings.omit({
  runtime: true,
  image: true,
  ports: true,
  volumes: true,
  command: true,
});
export type CgroupServiceSettings = z.input<typeof CgroupServiceSettings>;

function classWeight(given: number | string): number | string {
  return Object.hasOwn(IO_CLASSES, given) ? IO_CLASSES[given as keyof typeof IO_CLASSES] : given;
}
