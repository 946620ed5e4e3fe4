/** docker:index/network:Network. */

import { setTimeout as sleep } from "node:timers/promises";
import type { NetworkInspectInfo } from "dockerode";
import { EngineError } from "../../types";
import { isMap, textOf, UNKNOWN, type PropertyMap } from "../../values";
import { asking, daemonError, isNotFound, type Client } from "./client";
import { given, labelsOf, list, stringMap } from "./container-request";
import { labelSchema } from "./container-schema";
import { known, type DockerResource, type Made } from "./resource";

/** How long containers may still be connected when it is to be removed. */
const IN_USE_SECONDS = 30;

const replace = { replace: true } as const;

export const networkResource: DockerResource = {
  schema: {
    name: { kind: "string", required: true, ...replace },
    labels: { kind: "set", of: labelSchema, ...replace },
    driver: { kind: "string", computed: true, ...replace },
    options: { kind: "map", computed: true, ...replace },
    internal: { kind: "bool", computed: true, ...replace },
    attachable: { kind: "bool", ...replace },
    ingress: { kind: "bool", ...replace },
    ipv6: { kind: "bool", ...replace },
    ipamDriver: { kind: "string", default: "default", ...replace },
    ipamOptions: { kind: "map", ...replace },
    ipamConfigs: {
      kind: "set",
      of: {
        subnet: { kind: "string" },
        ipRange: { kind: "string" },
        gateway: { kind: "string" },
        auxAddress: { kind: "map" },
      },
      computed: true,
      ...replace,
    },
    scope: { kind: "string", output: true },
  },
  create: async (client, planned) => {
    const inputs = known(planned, UNKNOWN);
    const { id } = await asking("Unable to create network", client.docker.createNetwork(createBody(inputs)));
    const made = await read(client, id, inputs);
    if (made === undefined) throw new EngineError(`network ${id} is gone right after its creation`);
    return made;
  },
  // Everything that can change makes a new network.
  update: (_client, _id, planned) => Promise.resolve(planned),
  read,
  delete: remove,
};

function createBody(inputs: PropertyMap): { Name: string } {
  return {
    Name: textOf(inputs["name"]),
    ...given("Labels", labelsOf(inputs["labels"])),
    ...given("Driver", textOf(inputs["driver"])),
    ...given("Options", stringMap(inputs["options"])),
    ...(inputs["internal"] === true && { Internal: true }),
    ...(inputs["attachable"] === true && { Attachable: true }),
    ...(inputs["ingress"] === true && { Ingress: true }),
    ...(inputs["ipv6"] === true && { EnableIPv6: true }),
    IPAM: {
      Driver: textOf(inputs["ipamDriver"]),
      Options: stringMap(inputs["ipamOptions"]),
      Config: list(inputs["ipamConfigs"]).map(({ subnet, ipRange, gateway, auxAddress }) => ({
        ...given("Subnet", textOf(subnet)),
        ...given("IPRange", textOf(ipRange)),
        ...given("Gateway", textOf(gateway)),
        ...given("AuxiliaryAddresses", stringMap(auxAddress)),
      })),
    },
  } as { Name: string };
}

async function read({ docker }: Client, id: string, state: PropertyMap): Promise<Made | undefined> {
  try {
    const inspection: unknown = await asking("Unable to inspect network", docker.getNetwork(id).inspect());
    const info = inspection as NetworkInspectInfo;
    return { id: info.Id, outputs: { ...state, ...outputsOf(info) } };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function outputsOf(info: NetworkInspectInfo): PropertyMap {
  const { IPAM } = info;
  const configs = (IPAM?.Config ?? []) as Record<string, unknown>[];
  return {
    name: info.Name,
    labels: Object.entries(info.Labels ?? {}).map(([label, value]) => ({ label, value })),
    driver: info.Driver,
    options: stringMap(info.Options ?? {}),
    internal: info.Internal,
    attachable: info.Attachable,
    ingress: info.Ingress,
    ipv6: info.EnableIPv6,
    ipamDriver: IPAM?.Driver ?? "",
    ipamOptions: stringMap(IPAM?.Options ?? {}),
    ipamConfigs: configs.map(({ Subnet, IPRange, Gateway, AuxiliaryAddresses }) => ({
      ...given("subnet", (Subnet as string | undefined) ?? ""),
      ...given("ipRange", (IPRange as string | undefined) ?? ""),
      ...given("gateway", (Gateway as string | undefined) ?? ""),
      ...(isMap(AuxiliaryAddresses as PropertyMap | undefined) && {
        auxAddress: stringMap(AuxiliaryAddresses as PropertyMap),
      }),
    })),
    scope: info.Scope,
  };
}

/** Waits for containers that are still connected. */
async function remove({ docker }: Client, id: string): Promise<void> {
  const until = Date.now() + IN_USE_SECONDS * 1000;
  for (;;) {
    try {
      await docker.getNetwork(id).remove();
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      const message = daemonError(error);
      if (!message.includes("has active endpoints") || Date.now() > until)
        throw new EngineError(message, { cause: error });
      await sleep(1000);
    }
  }
}
