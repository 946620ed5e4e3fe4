import { z } from "zod";
import { escapeUnitPath } from "../render/unit-name";
import { integerField, sizeField } from "../settings/fields";
import { pathField } from "../settings/text-fields";

/** What the host takes as a file's path, less /etc/systemd/system/ and .swap around the unit's name. */
const LONGEST_UNIT = 180 - "/etc/systemd/system/.swap".length;

/** The settings of a {@link SwapFile}. The defaults are the specification's numbers. */
export const SwapFileSettings = z
  .strictObject({
    path: pathField({
      description:
        "Where the swapfile lies: a file that does not exist yet, or a swap file, below folders that only root may write. ext4 and xfs hold one well; btrfs, ZFS, overlay and tmpfs are refused on the host.",
      example: "/swapfile",
    }).prefault("/swapfile"),
    size: sizeField({
      description:
        "Size of the swapfile, in bytes on disk. It is created whole. When it changes, what is swapped to the old one moves first, so nothing is lost.",
      example: "16GiB",
      least: "1MiB",
    }).prefault("16GiB"),
    priority: integerField({
      description: "Swap priority. It must be below zram's, or the disk is used first.",
      min: 0,
      max: 32767,
      example: "10",
    }).prefault(10),
    swappiness: integerField({
      description:
        "vm.swappiness of the whole host: 0 swaps only under pressure, 100 as readily as dropping cache.",
      min: 0,
      max: 200,
      example: "10",
    }).prefault(10),
  })
  .superRefine(({ path }, context) => {
    // Every - of the path is four characters of its unit's name.
    if (escapeUnitPath(path).length > LONGEST_UNIT) {
      context.addIssue({
        code: "custom",
        path: ["path"],
        message: "the name of its unit would be too long",
        params: { fix: "/swapfile" },
      });
    }
  });
export type SwapFileSettings = z.input<typeof SwapFileSettings>;
