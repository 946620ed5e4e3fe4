import { z } from "zod";
import { flagField, integerField, sizeField } from "../settings/fields";

/** The settings of {@link DockerEngine}. */
export const DockerEngineSettings = z.strictObject({
  logMaxSize: sizeField({
    description:
      "Size at which a container's log is rotated. Like the number of files it holds for containers made from then on.",
    example: "10MiB",
    least: "1MiB",
  }).prefault("10MiB"),
  logMaxFiles: integerField({
    description: "How many log files a container keeps, the current one included.",
    min: 1,
    max: 1000,
    example: "3",
  }).prefault(3),
  liveRestore: flagField({
    description:
      "Containers live on while dockerd restarts. DANGER: without it the restart that applying can need stops every container. A swarm cannot have it.",
  }).default(true),
});
export type DockerEngineSettings = z.input<typeof DockerEngineSettings>;
