import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { currentStack } from "../host-bundle/current-stack";
import { ownerOf } from "../host-bundle/identity";
import { reachedAs } from "../host-bundle/reached";
import { namedAgent } from "../ssh/agent";
import { dockerHost } from "./docker-host";

/**
 * The docker provider of a host, over SSH. With a `privateKey` its ssh asks an agent of this run's own. A refresh or a
 * destroy that does not run the program (PULUMI_RUN_PROGRAM) has none.
 */
export function dockerProvider(
  name: string,
  connection: HostConnection,
  opts: pulumi.ResourceOptions,
): docker.Provider {
  const { privateKey } = connection;
  const identity = ownerOf(currentStack(), connection.name, connection.firstNames);
  const agent =
    privateKey === undefined
      ? pulumi.output(undefined)
      : pulumi.unsecret(pulumi.output(privateKey).apply((key) => namedAgent(identity, key)));
  const reached = pulumi
    .all([reachedAs(connection), agent])
    .apply(([target, socket]) => dockerHost(socket === undefined ? target : { ...target, agent: socket }));
  return new docker.Provider(
    name,
    {
      host: reached.host,
      sshOpts: reached.sshOpts,
      // Docker may be installed by this very run: what needs the daemon says so itself.
      disableDockerDaemonCheck: true,
    },
    opts,
  );
}
