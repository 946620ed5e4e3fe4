import { z } from "zod";
import { integerField } from "../settings/fields";
import type { IssueParams } from "../settings/issues";
import { wordField } from "../settings/text-fields";

const processName = () =>
  wordField({
    description:
      "A process name as `ps -o comm` prints it. The kernel keeps 15 characters; a final * stands for any rest.",
    example: "sshd",
    allowed: "letters, digits and . _ : @ + / -, with at most a * at the end",
    fix: null,
    pattern: /^[A-Za-z0-9._:@+/-]+\*?$/,
  });

/** The settings of {@link EarlyOom}. The defaults are the specification's numbers. */
export const EarlyOomSettings = z
  .strictObject({
    memoryPercent: integerField({
      description:
        "Available memory, in percent of RAM, below which the largest process is asked to end (SIGTERM).",
      min: 2,
      max: 50,
      example: "10",
    }).prefault(10),
    killMemoryPercent: integerField({
      description: "Available memory, in percent of RAM, below which it is killed (SIGKILL).",
      min: 1,
      max: 50,
      example: "5",
    }).prefault(5),
    avoid: z
      .array(processName())
      .meta({
        description: "Processes to spare, beside sshd, systemd, dockerd and the monitor, which always are.",
      })
      .default([]),
    prefer: z
      .array(processName())
      .meta({ description: "Processes to take first." })
      .prefault(["ollama*", "llama*", "local-llm-proxy"]),
  })
  .superRefine(({ memoryPercent, killMemoryPercent }, context) => {
    if (killMemoryPercent >= memoryPercent) {
      const message = `processes must be asked to end (at memoryPercent, ${memoryPercent}) before they are killed`;
      const params: IssueParams = { fix: String(Math.floor(memoryPercent / 2)), preset: killMemoryPercent };
      context.addIssue({ code: "custom", path: ["killMemoryPercent"], message, params });
    }
  });
export type EarlyOomSettings = z.input<typeof EarlyOomSettings>;
