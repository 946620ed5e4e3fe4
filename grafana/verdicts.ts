import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Page } from "./shared/dashboard";
import * as missing from "./shared/missing";
import { lines, table, timeline } from "./shared/panels";
import { HOSTS, line, rows } from "./shared/query";
import { AS_DECLARED, WATCHED } from "./shared/states";
import { joined } from "./shared/tables";
import { ofHosts } from "./shared/variables";

const H = `{${HOSTS}}`;

const drift = [
  timeline(
    {
      title: "As declared",
      description:
        "What ai-resource-manager verify last found. Drift: pulumi preview shows it as an update, pulumi up repairs it.",
      unit: units.Short,
      missing: missing.NOT_VERIFIED,
      width: 12,
    },
    line(`airm_manager_verify_success${H}`, "{{instance}}"),
  ).mappings(AS_DECLARED),
  lines(
    {
      title: "Findings",
      description: "What differs from what was declared. On the host: sudo ai-resource-manager verify.",
      unit: units.Short,
      missing: missing.NOT_VERIFIED,
      width: 6,
    },
    line(`airm_manager_verify_findings${H}`, "{{instance}}"),
  ).decimals(0),
  lines(
    {
      title: "Age of the last verification",
      description:
        "The daily timer verifies. Above a day and a half it does not, and nobody would see drift.",
      unit: units.Seconds,
      missing: missing.NOT_VERIFIED,
      width: 6,
    },
    line(`time() - airm_manager_verify_timestamp_seconds${H}`, "{{instance}}"),
  ),
];

const enforcement = [
  joined(
    table(
      {
        title: "Limits that hold nothing back",
        description:
          "inert: the kernel takes it and does nothing with it now. unsupported: it has no file for it. The reason is in ai-resource-manager status.",
        unit: units.Short,
        missing:
          "None: every declared limit is enforced, or the manager has not looked since the host booted",
        width: 12,
        height: 10,
      },
      rows(`airm_limit_enforced${H} == 0`),
    ),
    { instance: "Host", service: "Service", limit: "Limit", verdict: "Verdict" },
    [undefined],
  ),
  lines(
    {
      title: "Limits by verdict",
      description:
        "What was enforced and is not any more fell away after an update of the kernel, of systemd or of the host.",
      unit: units.Short,
      missing: missing.NO_VERDICTS,
      width: 12,
      height: 10,
    },
    line(`count by (instance, verdict) (airm_limit_enforced${H})`, "{{instance}} {{verdict}}"),
  ).decimals(0),
  lines(
    {
      title: "Enforced part of each service's limits",
      description: "100% is all. A service that does not run has inert limits.",
      unit: units.PercentUnit,
      missing: missing.NO_VERDICTS,
      width: 24,
    },
    line(`avg by (instance, service) (airm_limit_enforced${H})`, "{{instance}} {{service}}"),
  ).max(1),
];

const deployments = [
  timeline(
    {
      title: "Watched deployments",
      description:
        "While one is watched, alerts name it; after that a report on the host compares before with after.",
      unit: units.Short,
      missing: missing.NOT_WATCHED,
      width: 12,
      height: 6,
    },
    line(`airm_deployment_watched${H}`, "{{instance}} {{deployment}}"),
  ).mappings(WATCHED),
  joined(
    table(
      {
        title: "Monitors",
        description:
          "Which version of the monitor each host runs. Hosts that differ were deployed at different times.",
        unit: units.Short,
        missing: missing.NOT_SCRAPED,
        width: 12,
        height: 6,
      },
      rows(`airm_build_info${H}`),
    ),
    { instance: "Host", job: "Job", version: "Version" },
    [undefined],
  ),
];

export const VERDICTS: Page = {
  uid: "airm-verdicts",
  title: "Verdicts",
  description: "Are the hosts as they were declared, and does the kernel enforce what was?",
  variables: ofHosts(),
  sections: [
    { title: "Drift", panels: drift },
    { title: "Enforcement", panels: enforcement },
    { title: "Deployments", panels: deployments },
  ],
};
