import { z } from "zod";
import { coresField, sizeField } from "../settings/fields";

/** What the AI workloads leave to the system, whatever they do together. */
export const ReserveSettings = z.strictObject({
  memory: sizeField({
    description:
      "RAM kept from all AI workloads together. ai.slice gets the host's RAM less this or less 10%, whichever leaves more to the system.",
    example: "2GiB",
    least: "64MiB",
  }).prefault("2GiB"),
  cores: coresField({
    description:
      "Cores kept for the system: its slices run on these alone, the AI workloads never. DANGER: too few make the host slow to answer. Default: none.",
    example: "0",
  }).optional(),
});
export type ReserveSettings = z.input<typeof ReserveSettings>;
