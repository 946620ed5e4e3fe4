import { z } from "zod";
import { choiceField, integerField, sizeField } from "../settings/fields";
import type { IssueParams } from "../settings/issues";

/** The settings of a {@link ZramDevice}. The defaults are the specification's numbers. */
export const ZramDeviceSettings = z
  .strictObject({
    size: sizeField({
      description: "Size of the compressed swap before compression: what programs see as swap.",
      example: "8GiB",
      least: "1MiB",
    }).prefault("8GiB"),
    algorithm: choiceField(["lz4", "lz4hc", "lzo", "lzo-rle", "zstd", "deflate"], {
      description:
        "Compression algorithm. With one that the kernel lacks the apply fails and is rolled back; the kernel alone would only warn and take another.",
    }).default("lz4"),
    priority: integerField({
      description:
        "Swap priority. It must be above the swapfile's, so that memory is compressed before the disk is used.",
      min: 0,
      max: 32767,
      example: "100",
    }).prefault(100),
    memoryLimit: sizeField({
      description:
        "The most RAM that the compressed pages may take (mem_limit of the device). Beyond it pages go to the disk.",
      example: "4GiB",
      least: "1MiB",
    }).prefault("4GiB"),
  })
  .superRefine(({ size, memoryLimit }, context) => {
    if (memoryLimit.bytes > size.bytes) {
      const message = `the limit of its RAM is above the device's own size, ${size}`;
      const half = size.share(50);
      const params: IssueParams = { fix: String(half.bytes > 0 ? half : size), preset: String(memoryLimit) };
      context.addIssue({
        code: "custom",
        path: ["memoryLimit"],
        message,
        params,
      });
    }
  });
export type ZramDeviceSettings = z.input<typeof ZramDeviceSettings>;
