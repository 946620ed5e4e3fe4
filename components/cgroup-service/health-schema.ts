import { z } from "zod";
import { durationField } from "../settings/duration-field";
import { textField } from "../settings/field";
import { filledValueField } from "../settings/text-fields";
import { parseHealthUrl } from "./health-url";

/** How a workload proves that it is well. */
export const HealthSettings = z
  .strictObject({
    http: textField(
      {
        description: "URL that answers with 2xx or 3xx when the workload is well. Asked on the host.",
        example: "http://127.0.0.1:11434/",
        allowed: "an http URL without spaces: http://ADDRESS[:PORT][/PATH]",
      },
      parseHealthUrl,
    ).optional(),
    command: filledValueField({
      description:
        "Command that exits 0 when the workload is well: of the host's shell, or of the container's.",
      example: "ollama list",
      allowed: "text on one line",
    }).optional(),
    timeout: durationField({
      description: "How long it may take to become well. After that the deployment fails and is rolled back.",
      example: "60s",
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
  });
