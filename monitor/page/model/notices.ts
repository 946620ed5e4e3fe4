import type { Metrics } from "./document";
import { has } from "./document";
import { alertsOf } from "./state";
import { counted, durationText, failureOf, hostTime, notAvailable } from "./words";

export interface AlertView {
  readonly message: string;
  readonly kind: "critical" | "warning" | "pending";
  /** `firing since ...` */
  readonly about: string;
}

/** What fires, then what may. */
export function alertViews(metrics: Metrics): AlertView[] {
  const since = (time: string | null | undefined) => hostTime(time, metrics.utcOffsetMinutes);
  return [
    ...alertsOf(metrics, "firing").map(({ message, severity, firedAt }): AlertView => {
      const kind = severity === "critical" ? "critical" : "warning";
      const time = since(firedAt);
      return { message: message ?? "", kind, about: time === undefined ? kind : `${kind}, since ${time}` };
    }),
    ...alertsOf(metrics, "pending").map(({ message }): AlertView => ({
      message: message ?? "",
      kind: "pending",
      about: "pending: not yet for as long as an alert needs",
    })),
  ];
}

export interface VerdictView {
  readonly service: string;
  readonly summary: string;
  /** Enforced ones last. */
  readonly limits: readonly { readonly limit: string; readonly verdict: string; readonly isBad: boolean }[];
}

/** What the kernel makes of each service's declared limits. */
export function verdictViews({ limits }: Metrics): VerdictView[] {
  const services = [...new Set((limits ?? []).map(({ service }) => service).filter(has))].sort();
  return services.map((service) => {
    const own = (limits ?? [])
      .filter((entry) => entry.service === service)
      .map(({ limit, verdict }) => ({
        limit: limit ?? "a limit without a name",
        verdict: verdict ?? "not told",
        isBad: verdict !== "enforced",
      }))
      .sort((one, other) => Number(other.isBad) - Number(one.isBad));
    const loose = own.filter(({ isBad }) => isBad).length;
    const enforced = `${counted(own.length - loose, "limit")} enforced`;
    return { service, summary: loose === 0 ? enforced : `${loose} not enforced, ${enforced}`, limits: own };
  });
}

export function noVerdicts(metrics: Metrics): string {
  const failure = failureOf(metrics, "limits");
  if (failure !== undefined) return notAvailable(failure);
  return has(metrics.limits)
    ? "no limit is declared"
    : notAvailable("ai-resource-manager has not looked since boot");
}

/** Of `ai-resource-manager verify`. */
export function verificationText(metrics: Metrics): { readonly text: string; readonly isBad: boolean } {
  const { verification, utcOffsetMinutes } = metrics;
  if (!has(verification)) {
    const why = failureOf(metrics, "verification");
    return { text: notAvailable(why ?? "verify has not run since boot"), isBad: why !== undefined };
  }
  const { time, exitCode, findings } = verification;
  const at = has(time) ? (hostTime(time * 1000, utcOffsetMinutes) ?? "an unknown time") : "an unknown time";
  if (exitCode === 0) return { text: `no drift at ${at}`, isBad: false };
  if (exitCode === 3) return { text: `${counted(findings ?? 0, "finding")} at ${at}`, isBad: true };
  return { text: `failed at ${at} with exit status ${exitCode ?? "unknown"}`, isBad: true };
}

/** Whether a deployment is watched, and for how long still. */
export function deploymentText(metrics: Metrics): string {
  const { deployment, time, utcOffsetMinutes } = metrics;
  if (!has(deployment) || !has(deployment.id)) {
    const why = failureOf(metrics, "deployment");
    return why === undefined ? "none yet" : notAvailable(why);
  }
  const { id, watched, watchedUntil } = deployment;
  if (watched !== true) return `${id}, not watched any more`;
  const end = has(watchedUntil) ? Date.parse(watchedUntil) : NaN;
  const left = (end - Date.parse(time)) / 1000;
  const until = hostTime(end, utcOffsetMinutes);
  return until === undefined
    ? `${id}, watched`
    : `${id}, watched until ${until} (${durationText(left)} left)`;
}
