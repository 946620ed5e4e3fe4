import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { checkSettings, formatIssue } from "./issues";
import { formatPath } from "./values";

/**
 * A component's settings, validated.
 * @throws pulumi.ResourceError that lists everything that is wrong, under the component's name.
 */
export function parseSettings<S extends z.ZodType>(
  resource: pulumi.Resource,
  name: string,
  schema: S,
  input: z.input<S>,
): z.output<S> {
  const checked = checkSettings(schema, input);
  if ("value" in checked) return checked.value;
  const lines = checked.issues.map((issue) => `  ${formatIssue(issue, formatPath(issue.path), undefined)}`);
  throw new pulumi.ResourceError(
    `the settings of "${name}" are not valid:\n${lines.join("\n")}`,
    resource,
    true,
  );
}
