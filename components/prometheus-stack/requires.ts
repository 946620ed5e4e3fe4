import type { z } from "zod";
import type { BundleRequirement } from "../host-bundle/bundle";
import type { ListenAddress } from "../monitor/listen";
import { quoteShell } from "../render/shell";
import { listenText } from "./config";
import { ALERTMANAGER_UNIT, PROMETHEUS_UNIT } from "./programs";
import type { StackContext } from "./render";
import type { PrometheusSettings } from "./schema";

/** One of Debian's packages, and where it would listen. */
interface Newcomer {
  readonly unit: string;
  readonly name: string;
  /** The folder that a purge of the package deletes, with whatever is in it. */
  readonly folder: string;
  readonly at: ListenAddress;
}

/**
 * What the host must not have of its owner's (a Prometheus or an Alertmanager that runs or is to run, something else at their ports,
 * data where the purge of Debian's packages would delete it), and the files that it must have.
 */
export function stackRequires(
  { listen, alertmanager }: z.output<typeof PrometheusSettings>,
  { monitor, setting, monitorSetting }: Pick<StackContext, "monitor" | "setting" | "monitorSetting">,
): Record<string, BundleRequirement> {
  const { token, certificate } = monitor.access;
  const vacant = ({ unit, name, folder, at }: Newcomer): BundleRequirement => ({
    vacant: unit,
    listen: listenText(at),
    package: name,
    folder: `/var/lib/prometheus/${folder}`,
    remedy: `To keep what is there and have no other (docs/monitor.md, "Prometheus", says what it scrapes): pulumi config set --path ${quoteShell(`${setting}.enabled`)} false`,
  });
  const there = (key: string, file: string | undefined, more = ""): Record<string, BundleRequirement> =>
    file === undefined
      ? {}
      : {
          [key]: {
            file,
            remedy: `Put it there, or do without: pulumi config rm --path ${quoteShell(key)}${more}`,
          },
        };
  return {
    [`${setting}.listen`]: vacant({
      unit: PROMETHEUS_UNIT,
      name: "prometheus",
      folder: "metrics2",
      at: listen,
    }),
    [`${setting}.alertmanager.listen`]: vacant({
      unit: ALERTMANAGER_UNIT,
      name: "prometheus-alertmanager",
      folder: "alertmanager",
      at: alertmanager.listen,
    }),
    ...there(`${setting}.alertmanager.config`, alertmanager.config),
    ...there(`${monitorSetting}.access.token`, token),
    ...there(`${monitorSetting}.access.certificate`, certificate, ", and the same of key"),
  };
}
