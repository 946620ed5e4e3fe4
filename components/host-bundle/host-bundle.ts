import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { driftOf } from "../observation/drift";
import type { Bundle } from "./bundle";
import { bundleCommands } from "./commands";
import type { HostConnection } from "./connection";
import { parseHostKey } from "./schema";
import { sentBundle } from "./sent";

/** What is sent, and where to. */
export interface HostBundleArgs {
  readonly host: HostConnection;
  readonly bundle: Bundle;
  /** What it is applied for, for example a container's id: for another one it is applied again. */
  readonly appliedFor?: pulumi.Input<string>;
}

/**
 * One bundle on one host: the only resource that talks to a host. Creating and updating it applies the bundle,
 * deleting it puts back what was there before.
 */
export class HostBundle extends pulumi.ComponentResource {
  /** What the host's manager printed when it last applied the bundle. */
  readonly receipt: pulumi.Output<string>;
  readonly bundle: Bundle;

  constructor(name: string, args: HostBundleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:HostBundle", name, {}, opts);
    const { host, bundle, appliedFor } = args;
    this.bundle = bundle;
    const commands = bundleCommands(bundle.name);
    const sent = sentBundle(bundle);
    const drift = driftOf(host.observation, sent);
    // A shell's comment: it changes nothing but Pulumi's mind.
    const because = drift === undefined ? "" : ` # drift: ${drift}`;
    const connection = connectionOf(this, host);
    const options = {
      deleteBeforeReplace: true,
      // The state keeps the text of the last repair; without drift that is no change.
      ...(drift === undefined ? { ignoreChanges: ["update"] } : {}),
    };
    // No `triggers`: any change of them is a replacement, which creates first and then deletes what it created.
    // No `environment`: sshd refuses it without AcceptEnv. Previous output could outgrow the environment.
    const applied = new command.remote.Command(
      `${name}-apply`,
      {
        connection,
        // Not in `update`, which keeps the text of the last repair.
        create:
          appliedFor === undefined
            ? commands.apply
            : pulumi.interpolate`${commands.apply} # for ${appliedFor}`,
        update: `${commands.apply}${because}`,
        delete: commands.remove,
        stdin: sent.text,
        addPreviousOutputInEnv: false,
      },
      { ...childOptions(this, opts), ...options },
    );
    if (bundle.confirmSeconds !== undefined) {
      // Every command has a connection of its own, so this one proves that the host can still be reached.
      new command.remote.Command(
        `${name}-confirm`,
        {
          connection,
          create: commands.confirm,
          update: `${commands.confirm}${because}`,
          stdin: sent.digest,
          addPreviousOutputInEnv: false,
        },
        { parent: this, dependsOn: applied, ...options },
      );
    }
    this.receipt = applied.stdout;
    this.registerOutputs({ receipt: this.receipt });
  }
}

/**
 * Options of a component's child. A component's own dependencies do not reach its children, and only those of the
 * command itself order a destroy.
 */
export function childOptions(parent: pulumi.Resource, opts: pulumi.ComponentResourceOptions | undefined) {
  return opts?.dependsOn === undefined ? { parent } : { parent, dependsOn: opts.dependsOn };
}

function connectionOf(resource: pulumi.Resource, host: HostConnection) {
  const { address, port = 22, user = "root", hostKey, privateKey, insecureSkipHostKeyCheck = false } = host;
  if (hostKey === undefined && !insecureSkipHostKeyCheck) {
    throw new pulumi.ResourceError(
      `host "${host.name}" has no hostKey: nobody could tell who answers`,
      resource,
      true,
    );
  }
  return {
    host: address,
    port,
    user,
    // An unreachable host fails after about a minute, not after the provider's three.
    dialErrorLimit: 3,
    perDialTimeout: 15,
    ...(hostKey === undefined ? {} : { hostKey: pulumi.output(hostKey).apply(parseHostKey) }),
    ...(privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) }),
  };
}
