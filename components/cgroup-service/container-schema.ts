import { z } from "zod";
import { lineField, wordField } from "../settings/text-fields";

const text = (description: string, example: string) =>
  lineField({ description, example, allowed: "text on one line" });

/** Settings of a workload that are validated here and applied by a later version: see NOT_YET_APPLIED in config.ts. */
export const ContainerFields = {
  image: text("Image of a container workload.", "ollama/ollama:0.6.5").optional(),
  command: z
    .array(text("One argument.", "serve"))
    .meta({ description: "Command of a container workload." })
    .optional(),
  ports: z
    .array(text("A published port.", "127.0.0.1:11434:11434"))
    .meta({ description: "Published ports of a container workload." })
    .optional(),
  volumes: z
    .array(text("A volume or bind mount.", "/srv/models:/models:ro"))
    .meta({ description: "Volumes of a container workload." })
    .optional(),
  health: z
    .strictObject({
      http: wordField({
        description: "URL that answers with 2xx or 3xx when the workload is well.",
        example: "http://127.0.0.1:11434/",
        allowed: "an http URL without spaces",
        pattern: /^https?:\/\/[A-Za-z0-9._~:/?#@!$&()*+,;=%[\]-]+$/,
      }).optional(),
      command: text("Command that exits 0 when the workload is well.", "ollama list").optional(),
      timeout: wordField({
        description: "How long it may take to become well.",
        example: "60s",
        allowed: "seconds or minutes: 60s, 5min",
        pattern: /^[1-9][0-9]{0,4}(s|min)$/,
      }).prefault("60s"),
    })
    .superRefine(({ http, command }, context) => {
      if ((http === undefined) === (command === undefined)) {
        context.addIssue({
          code: "custom",
          path: [],
          message: "give one of http and command",
          params: { fix: null },
        });
      }
    })
    .optional(),
} as const;
