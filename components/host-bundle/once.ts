import * as pulumi from "@pulumi/pulumi";
import type { HostConnection, ProxyJump } from "./connection";

/** By run of a program (the automation API makes several in one process): what applies which bundle. */
const declared = new WeakMap<pulumi.Resource, Map<string, string>>();

/**
 * A bundle is one resource's on its host: of two, each would undo what the other applied.
 * @param name of the resource that applies the bundle
 * @throws pulumi.ResourceError that names both
 */
export function refuseSecond(
  resource: pulumi.Resource,
  name: string,
  host: HostConnection,
  bundle: string,
): void {
  const run = pulumi.runtime.getStackResource();
  if (run === undefined) return;
  const names = declared.get(run) ?? new Map<string, string>();
  declared.set(run, names);
  const { proxyJump } = host;
  const at = placeOf(host);
  const behind = proxyJump === undefined ? "" : placeOf(proxyJump);
  const places = [
    `host "${host.name}"`,
    ...(at === undefined || behind === undefined ? [] : [behind === "" ? at : `${at}, behind ${behind}`]),
  ];
  for (const place of places) {
    const first = names.get(`${bundle} ${place}`);
    if (first !== undefined) {
      throw new pulumi.ResourceError(
        `"${name}" and "${first}" both apply the bundle "${bundle}" to ${place}, and each would undo the other: remove one of them, or give it another host`,
        resource,
        true,
      );
    }
    names.set(`${bundle} ${place}`, name);
  }
}

/** Undefined where the address is known only later. */
function placeOf({ address, port = 22 }: HostConnection | ProxyJump): string | undefined {
  return typeof address === "string" ? `${address.toLowerCase()}, port ${port}` : undefined;
}
