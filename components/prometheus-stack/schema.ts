import { z } from "zod";
import { parseLoopbackAddress } from "../monitor/listen";
import { Size } from "../render/size";
import { scalarField } from "../settings/field";
import { flagField, integerField, quotaField, sizeField } from "../settings/fields";
import type { IssueParams } from "../settings/issues";
import { pathField, wordField } from "../settings/text-fields";

/** Where they listen unless told otherwise: their own usual ports. */
export const PROMETHEUS_PORT = "9090";
export const ALERTMANAGER_PORT = "9093";

/** Two thirds of max, in whole MiB. */
export function usualHigh(max: Size): Size {
  return Size.ofBytes(Math.floor((max.mebibytes * 2) / 3) * 1024 ** 2);
}

const listen = (what: string, port: string) =>
  scalarField(
    {
      description: `Address and port of ${what}. Nobody is asked for a password there, so that it is loopback alone.`,
      example: `127.0.0.1:${port}`,
      allowed: "ADDRESS:PORT; the address loopback (127.0.0.1, [::1]), the port from 1024 on",
    },
    (text) => parseLoopbackAddress(text, port),
  ).prefault(`127.0.0.1:${port}`);

/** @param least of max and of high: below them it does not run well (docs/components/prometheus-stack.md has what was measured) */
const memory = (what: string, { max, least }: { max: string; least: readonly [string, string] }) =>
  z
    .strictObject({
      max: sizeField({
        description: `The most RAM ${what} may use, page cache of its data included. At it, the kernel reclaims, then ends it, and it starts again.`,
        example: max,
        least: least[0],
      }).prefault(max),
      high: sizeField({
        description: `Where the kernel begins to slow ${what} down and reclaim. Go's own limit (GOMEMLIMIT) is 90% of it, at which it collects its garbage more often. DANGER: with its swap used up it stands still above this. Default two thirds of max.`,
        example: usualHigh(Size.parse(max)).toString(),
        least: least[1],
      }).optional(),
    })
    .superRefine(({ max: most, high }, context) => {
      if (high === undefined || high.bytes < most.bytes) return;
      const message = `it must be below max, ${most}`;
      const params: IssueParams = { fix: usualHigh(most).toString() };
      context.addIssue({ code: "custom", path: ["high"], message, params });
    })
    .prefault({});

const cpu = (what: string, quota: string) =>
  z
    .strictObject({
      quota: quotaField({
        description: `CPU time ${what} may use: 100% is one core. GOMAXPROCS follows from it.`,
        example: quota,
      }).prefault(quota),
    })
    .prefault({});

/** The settings of {@link PrometheusStack}. */
export const PrometheusSettings = z.strictObject({
  enabled: flagField({
    description:
      "Run Debian's Prometheus and Alertmanager on the host, for the monitor's numbers alone. Needs `monitor.listen`. Refused on a host that has one of its own.",
  }).default(false),
  listen: listen("Prometheus", PROMETHEUS_PORT),
  serverName: wordField({
    description:
      "The name, or the address, in `monitor.access.certificate`, which Prometheus asks the monitor's certificate for. Needed with that, and only then.",
    example: "goblin.example.com",
    allowed: "a host name or an IP address",
    fix: null,
    pattern: /^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$/,
  }).optional(),
  retention: z
    .strictObject({
      days: integerField({
        description: "Days that Prometheus keeps what it has measured.",
        min: 1,
        max: 3650,
        example: "15",
      }).prefault(15),
      size: sizeField({
        description: "The most disk that it takes; the oldest goes first.",
        example: "1GiB",
        least: "128MiB",
      }).prefault("1GiB"),
    })
    .prefault({}),
  memory: memory("Prometheus", { max: "384MiB", least: ["128MiB", "64MiB"] }),
  cpu: cpu("Prometheus", "50%"),
  alertmanager: z
    .strictObject({
      listen: listen("Alertmanager", ALERTMANAGER_PORT),
      config: pathField({
        description:
          "A file on the host with Alertmanager's whole configuration, kept there by you: Pulumi knows nothing of what is in it. Root alone need read it (0400), and another one is read at Alertmanager's next start. Default: `prometheusCredentials.webhook` gets the alerts, or nobody.",
        example: "/etc/goblin-host/alertmanager.yml",
      }).optional(),
      memory: memory("Alertmanager", { max: "96MiB", least: ["64MiB", "32MiB"] }),
      cpu: cpu("Alertmanager", "20%"),
    })
    .prefault({}),
});
export type PrometheusSettings = z.input<typeof PrometheusSettings>;
