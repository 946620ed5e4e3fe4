import * as units from "@grafana/grafana-foundation-sdk/units";
import { number, table } from "../shared/panels";
import { HOSTS, now, rows } from "../shared/query";
import { ARRIVES } from "../shared/states";
import { joined } from "../shared/tables";
import { NONE_IS_GOOD, NONE_IS_USUAL } from "../shared/thresholds";

const NONE = "None; or the rules are not loaded, and then the heartbeat is missing";

export const NUMBERS = [
  number(
    {
      title: "Firing",
      description: "Alerts of the rules that fire, and that people are told of.",
      unit: units.Short,
      missing: "0",
      width: 6,
    },
    now(`count(ALERTS{alertstate="firing", ${HOSTS}})`, ""),
  ).thresholds(NONE_IS_GOOD),
  number(
    {
      title: "Pending",
      description: "Conditions that hold, but not yet for as long as their alert needs (for).",
      unit: units.Short,
      missing: "0",
      width: 6,
    },
    now(`count(ALERTS{alertstate="pending", ${HOSTS}})`, ""),
  ).thresholds(NONE_IS_USUAL),
  number(
    {
      title: "Silent hosts",
      description: "Hosts that tell nothing: frozen, off or cut off. They raise no alert themselves.",
      unit: units.Short,
      missing: "0",
      width: 6,
    },
    now(`count(ALERTS{alertname="AirmSilence", alertstate="firing", ${HOSTS}})`, ""),
  ).thresholds(NONE_IS_GOOD),
  number(
    {
      title: "Heartbeat",
      description:
        "Always fires. Missing: Prometheus does not evaluate the rules, and the panels here would be empty whatever happened.",
      unit: units.Short,
      missing: "missing: the rules are not loaded",
      width: 6,
    },
    now(`max(ALERTS{alertname="AirmHeartbeat", alertstate="firing"})`, ""),
  ).mappings(ARRIVES),
];

/** What an alert is about, besides its host. */
const ABOUT = {
  instance: "Host",
  severity: "Severity",
  service: "Service",
  mountpoint: "Filesystem",
  gpu: "GPU",
  collector: "Collector",
};

export const FIRING = [
  joined(
    table(
      {
        title: "Firing by Prometheus' rules",
        description: "docs/alerts.md says what each means and what to do.",
        unit: units.Short,
        missing: NONE,
        width: 12,
      },
      rows(`ALERTS{alertstate="firing", ${HOSTS}}`),
    ),
    { alertname: "Alert", ...ABOUT },
    [undefined],
  ),
  joined(
    table(
      {
        title: "Firing by the monitors themselves",
        description:
          "What the hosts tell by themselves (alerts.log, monitor.tell), with no Prometheus between. For a moment the two may differ: each measures its own time.",
        unit: units.Short,
        missing: "None",
        width: 12,
      },
      rows(`airm_alert_firing{${HOSTS}} == 1`),
    ),
    { alert: "Alert", ...ABOUT, path: "Path" },
    [undefined],
  ),
];
