import * as pulumi from "@pulumi/pulumi";
import type { Bundle } from "../host-bundle/bundle";
import type { HostBundle, HostBundleArgs } from "../host-bundle/host-bundle";
import { renderCredentials } from "./render";

/** Variables of a workload's environment whose values are secrets, whether Pulumi knows them as such or not. */
export type Credentials = Readonly<Record<string, pulumi.Input<string>>>;

export function hasAny(credentials: Credentials | undefined): credentials is Credentials {
  return credentials !== undefined && Object.keys(credentials).length > 0;
}

/** A workload's secret bundle. */
export function credentialsBundle(
  workload: string,
  credentials: Credentials,
): Pick<HostBundleArgs, "bundle" | "sealed"> {
  return secretBundle(credentials, (values) => renderCredentials(workload, values));
}

/** A secret bundle; what it is made from may be known only later. */
export function secretBundle(
  values: Credentials,
  render: (values: Readonly<Record<string, string>>) => Bundle,
): Pick<HostBundleArgs, "bundle" | "sealed"> {
  const isKnown = (given: Credentials): given is Readonly<Record<string, string>> =>
    Object.values(given).every((value) => typeof value === "string");
  if (isKnown(values)) return { bundle: render(values) };
  return { bundle: render({}), sealed: pulumi.output(values).apply(render) };
}

/**
 * What changes whenever the secret bundle is applied, so that what uses it is applied after it. It is the manager's
 * receipt, which says nothing of what is in the bundle.
 */
export function appliedCredentials({ receipt }: HostBundle): pulumi.Output<string> {
  return pulumi.unsecret(receipt).apply((text) => text.trim().split("\n").at(-1) ?? "");
}

/** `NAME=VALUE` of plain and secret variables, each once, as Docker takes them: a secret as a whole. */
export function secretEnvironment(
  envs: readonly string[],
  credentials: Credentials,
): pulumi.Output<string[]> {
  const others = envs.filter((text) => !Object.hasOwn(credentials, text.slice(0, text.indexOf("="))));
  return pulumi
    .output(credentials)
    .apply((values) =>
      pulumi.secret([...others, ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].sort()),
    );
}
