import { z } from "zod";
import { coresField, flagField, integerField, quotaField, sizeField } from "../settings/fields";

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

export const IoSettings = z.strictObject({
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
export type IoInput = keyof typeof IO_CLASSES | number | `${number}` | z.input<typeof IoSettings>;

export const MemorySettings = z
  .strictObject({
    max: sizeField({
      description:
        "The most RAM the workload may use, page cache of its model files included. At it, the kernel reclaims, then kills inside the workload.",
      example: "8GiB",
      least: "16MiB",
    }),
    high: sizeField({
      description:
        "Where the kernel begins to slow it down and reclaim. DANGER: once its swap is used up it stands still between high and max, for as long as you let it, where max alone ends it at once. Default: none.",
      example: "7GiB",
      least: "1MiB",
    }).optional(),
    low: sizeField({
      description: "RAM that is left to it while others can be reclaimed. Default 25% of max.",
      example: "2GiB",
      zero: true,
    }).optional(),
    swap: sizeField({
      description: "The most swap it may use; 0 for none. Default 50% of max.",
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
      refuse("high", `it must be below max, ${max} (without it: none)`);
    const ceiling = high ?? max;
    if (low !== undefined && low.bytes > ceiling.bytes)
      refuse(
        "low",
        `it must not be above ${high === undefined ? "max" : "high"}, ${ceiling} (without it: 25% of max)`,
      );
  });

export const CpuSettings = z.strictObject({
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

/** The weight of a class; a weight stays what it is. */
export function classWeight(given: number | string): number | string {
  return Object.hasOwn(IO_CLASSES, given) ? IO_CLASSES[given as keyof typeof IO_CLASSES] : given;
}
