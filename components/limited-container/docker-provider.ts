import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { dockerHost } from "./docker-host";

/**
 * The docker provider of a host, over SSH. With a `privateKey` the key is written to a file that only its user can
 * read, ~/.cache/goblin-host/ssh/HOST, because `ssh` reads keys from files or from an agent only.
 */
export function dockerProvider(
  name: string,
  connection: HostConnection,
  opts: pulumi.ResourceOptions,
): docker.Provider {
  const { address, hostKey, privateKey } = connection;
  const keyFile =
    privateKey === undefined
      ? pulumi.output(undefined)
      : pulumi.unsecret(pulumi.output(privateKey).apply((key) => writeKey(connection.name, key)));
  const reached = pulumi
    .all([address, hostKey, keyFile])
    .apply(([at, key, file]) => dockerHost(connection, at, key, file));
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

/** @returns the file as ssh is told it: the same text on every machine */
function writeKey(host: string, key: string): string {
  const folder = join(homedir(), ".cache", "goblin-host", "ssh");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, host);
  writeFileSync(file, key.endsWith("\n") ? key : `${key}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return `~/.cache/goblin-host/ssh/${host}`;
}
