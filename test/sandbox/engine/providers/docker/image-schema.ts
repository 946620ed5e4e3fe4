/** The properties of docker:index/remoteImage:RemoteImage. */

import type { Attribute, Schema } from "./schema";

const string: Attribute = { kind: "string" };
const unserved: Attribute = { kind: "string", unserved: true };

/** What is not served belongs to buildx, to registries, or to limits of the build itself. */
export const buildSchema: Schema = {
  context: { kind: "string", required: true },
  dockerfile: { kind: "string", default: "Dockerfile" },
  platform: string,
  buildArgs: { kind: "map" },
  labels: { kind: "map" },
  label: { kind: "map" },
  tags: { kind: "list" },
  target: string,
  noCache: { kind: "bool" },
  pullParent: { kind: "bool" },
  remove: { kind: "bool", default: true },
  forceRemove: { kind: "bool" },
  useLegacyBuilder: { kind: "bool", default: false },
  additionalContexts: unserved,
  authConfigs: unserved,
  buildId: unserved,
  buildLogFile: unserved,
  builder: unserved,
  cacheFroms: unserved,
  cacheTos: unserved,
  cgroupParent: unserved,
  cpuPeriod: unserved,
  cpuQuota: unserved,
  cpuSetCpus: unserved,
  cpuSetMems: unserved,
  cpuShares: unserved,
  extraHosts: unserved,
  isolation: unserved,
  memory: unserved,
  memorySwap: unserved,
  networkMode: unserved,
  provenance: unserved,
  remoteContext: unserved,
  sbom: unserved,
  secrets: unserved,
  securityOpts: unserved,
  sessionId: unserved,
  shmSize: unserved,
  squash: unserved,
  suppressOutput: unserved,
  ulimits: unserved,
  version: unserved,
};

export const imageSchema: Schema = {
  name: { kind: "string", required: true, replace: true },
  imageId: { kind: "string", output: true },
  repoDigest: { kind: "string", output: true },
  keepLocally: { kind: "bool" },
  pullTriggers: { kind: "set", replace: true },
  forceRemove: { kind: "bool" },
  // Its tags alone could change in place, to no effect: a block in a set is replaced as a whole.
  build: { kind: "block", of: buildSchema, replace: true },
  triggers: { kind: "map", replace: true },
  platform: { kind: "string", default: "", replace: true },
};
