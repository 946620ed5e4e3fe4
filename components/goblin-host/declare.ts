import type { z } from "zod";
import {
  type CgroupServiceSettings,
  type LimitedContainerSettings,
  SERVICE_ONLY,
  WorkloadSettings,
} from "../cgroup-service/schema";
import { type SettledWorkload, settleWorkload } from "../cgroup-service/workload";
import type { HostConnection } from "../host-bundle/connection";
import { CONTAINER_ONLY } from "../limited-container/schema";
import { ManagerSettings } from "../manager/schema";
import { checkSettings } from "../settings/issues";
import { ModelsSettings } from "../model-storage/schema";
import { PrometheusSettings } from "../prometheus-stack/schema";
import { GoblinHostSettings } from "./schema";

/** A workload of a host, in the order of importance. */
export interface DeclaredWorkload {
  readonly name: string;
  readonly unit: string;
  readonly settled: SettledWorkload;
  /** Its settings as what its runtime makes of it. */
  readonly as: { readonly service: CgroupServiceSettings } | { readonly container: LimitedContainerSettings };
}

/** What a host's settings come to beside the settings of its parts. */
export interface DeclaredHost {
  readonly connection: Omit<HostConnection, "address" | "privateKey">;
  readonly models: { readonly path: string; readonly mount: "any" | "required" };
  readonly daily: "verify" | "repair";
  readonly workloads: readonly DeclaredWorkload[];
  /** Whether some of them share a network. */
  readonly hasNetwork: boolean;
  /** Whether it has a Prometheus of this project's. */
  readonly hasPrometheus: boolean;
}

/** @param settings valid settings */
export function declareHost(name: string, settings: Omit<GoblinHostSettings, "address">): DeclaredHost {
  const { models = {}, manager = {}, prometheus = {}, workloads = {} } = settings;
  const declared = declareWorkloads(workloads);
  const { formerly, port, user, hostKey, insecureSkipHostKeyCheck, proxyJump } = valid(GoblinHostSettings, {
    ...settings,
    address: "host",
  });
  return {
    connection: {
      name,
      firstNames: { [name]: formerly?.[0] ?? name },
      port,
      user,
      insecureSkipHostKeyCheck,
      ...(hostKey === undefined ? {} : { hostKey }),
      ...(proxyJump === undefined ? {} : { proxyJump }),
    },
    models: valid(ModelsSettings, models),
    daily: valid(ManagerSettings, manager).daily,
    workloads: declared,
    hasNetwork: declared.some(({ settled, as }) => "container" in as && settled.network === "shared"),
    hasPrometheus: valid(PrometheusSettings, prometheus).enabled,
  };
}

function declareWorkloads(workloads: Readonly<Record<string, WorkloadSettings>>): DeclaredWorkload[] {
  return Object.entries(workloads)
    .map(([workload, given]) => ({
      given,
      settled: settleWorkload(workload, valid(WorkloadSettings, given)),
    }))
    .sort((a, b) => byImportance(a.settled, b.settled))
    .map(({ given, settled }) => ({
      name: settled.name,
      unit: settled.unit,
      settled,
      as: settled.runtime === "systemd" ? { service: asService(given) } : { container: asContainer(given) },
    }));
}

/**
 * The larger CPU weight first, then by name. The order of the configuration is no order: Pulumi hands maps over
 * sorted by key.
 */
function byImportance(a: SettledWorkload, b: SettledWorkload): number {
  return b.cpu.weight - a.cpu.weight || (a.name < b.name ? -1 : 1);
}

/** A service's settings without those that only a container has. */
function asService(given: WorkloadSettings): CgroupServiceSettings {
  return without(given, CONTAINER_ONLY) as CgroupServiceSettings;
}

/** A container's settings without those that only a service has. */
function asContainer(given: WorkloadSettings): LimitedContainerSettings {
  return without(given, SERVICE_ONLY) as LimitedContainerSettings;
}

function without(given: WorkloadSettings, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(given).filter(([key]) => !keys.includes(key)));
}

/** Settings that were validated before, with their defaults. */
export function valid<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const result = checkSettings(schema, given);
  if ("value" in result) return result.value;
  throw new Error(`settings were used before they were validated: ${result.issues[0]?.message ?? ""}`);
}
