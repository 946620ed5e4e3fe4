import type { Bundle } from "../host-bundle/bundle";
import { quoteEnvironmentFile } from "../render/shell";
import { FILE_HEADER } from "../render/unit-file";
import { VARIABLE, VARIABLE_RULE } from "./schema";

const PREFIX = "credentials-";

/** Where a workload's service finds its secret variables. */
export function credentialsFile(workload: string): string {
  return `/etc/goblin-host/credentials/${workload}.env`;
}

/** Whether a bundle of that name is a secret. */
export const isCredentials = (bundle: string): boolean => bundle.startsWith(PREFIX);

/** The bundle `credentials-WORKLOAD`, which is a secret as a whole: one file that only root reads. */
export function renderCredentials(workload: string, values: Readonly<Record<string, string>>): Bundle {
  const lines = Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (!VARIABLE.test(name)) throw new RangeError(`"${name}" is no variable: ${VARIABLE_RULE}`);
      return `${quoteEnvironmentFile(name, value)}\n`;
    });
  return {
    name: `${PREFIX}${workload}`,
    secret: true,
    files: { [credentialsFile(workload)]: { mode: "0600", content: FILE_HEADER + lines.join("") } },
  };
}
