import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { driftOf } from "../observation/drift";
import { explainForeign, foreignBundles, keepComponent } from "../observation/owners";
import type { Bundle } from "./bundle";
import { bundleCommands } from "./commands";
import type { HostConnection, ProxyJump } from "./connection";
import { currentStack } from "./current-stack";
import { firstName, ownerOf } from "./identity";
import { refuseSecond } from "./once";
import { parseHostKey } from "./schema";
import { type SentBundle, sentBundle } from "./sent";

/** What is sent, and where to. */
export interface HostBundleArgs {
  readonly host: HostConnection;
  readonly bundle: Bundle;
  /** What it is applied for, for example a container's id: for another one it is applied again. */
  readonly appliedFor?: pulumi.Input<string>;
  /** All of a secret bundle of which `bundle` is what is known by now. Default: that is all. */
  readonly sealed?: pulumi.Output<Bundle>;
}

/**
 * One bundle on one host: the only resource that talks to a host. Creating and updating it applies the bundle,
 * deleting it puts back what was there before.
 */
export class HostBundle extends pulumi.ComponentResource {
  /** What the host's manager printed when it last applied the bundle. */
  readonly receipt: pulumi.Output<string>;
  readonly bundle: Bundle;
  /** Whose it is: identity.ts. */
  readonly owner: string;
  /** What applies it, and takes it back when it is deleted. */
  readonly command: pulumi.Resource;

  constructor(name: string, args: HostBundleArgs, opts?: pulumi.ComponentResourceOptions) {
    const { host, bundle, appliedFor, sealed } = args;
    const first = firstName(name, host.firstNames);
    /** Told by each resource itself: Pulumi infers a child's alias only in the run that moves its parent. */
    const before = (suffix: string) => (first === name ? [] : [{ name: `${first}${suffix}` }]);
    const aliases = [...(opts?.aliases ?? []), ...before("")];
    super("goblin-host:index:HostBundle", name, {}, { ...opts, aliases });
    this.bundle = bundle;
    const sent = sentBundle(bundle, ownerOf(currentStack(), name, host.firstNames));
    this.owner = sent.owner;
    const commands = bundleCommands(bundle.name, sent.owner);
    refuseSecond(this, name, host, bundle.name);
    refuseForeign(this, host, sent);
    const drift = driftOf(host.observation, sealed === undefined ? sent : { ...sent, digest: undefined });
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
        stdin:
          sealed === undefined ? textOf(sent) : sealed.apply((all) => textOf(sentBundle(all, sent.owner))),
        addPreviousOutputInEnv: false,
      },
      { ...childOptions(this, opts), ...options, aliases: before("-apply") },
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
        { parent: this, dependsOn: applied, ...options, aliases: before("-confirm") },
      );
    }
    this.command = applied;
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

/** In a secret text nothing is shown of what changes, so that only what must be one is one. */
function textOf({ text, secret }: SentBundle): pulumi.Output<string> {
  return secret ? pulumi.secret(text) : pulumi.output(text);
}

/** What another program or resource has applied is not taken from it in passing. */
function refuseForeign(resource: pulumi.Resource, host: HostConnection, sent: SentBundle): void {
  const foreign = foreignBundles(host.observation, [sent]);
  const problem = explainForeign(`host "${host.name}"`, foreign, keepComponent(foreign));
  if (problem !== undefined) throw new pulumi.ResourceError(problem, resource, true);
}

function connectionOf(resource: pulumi.Resource, host: HostConnection) {
  const { name, proxyJump, privateKey } = host;
  const key = privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) };
  const whole = { ...hopOf(resource, `host "${name}"`, host), ...key };
  if (proxyJump === undefined) return whole;
  // Behind a bastion the provider tries again on the connection that has just failed, and then tells of that end only.
  return {
    ...whole,
    dialErrorLimit: 0,
    proxy: { ...hopOf(resource, `proxyJump of host "${name}"`, proxyJump), ...key },
  };
}

function hopOf(resource: pulumi.Resource, what: string, machine: HostConnection | ProxyJump) {
  const { address, port = 22, user = "root", hostKey, insecureSkipHostKeyCheck = false } = machine;
  if (hostKey === undefined && !insecureSkipHostKeyCheck)
    throw new pulumi.ResourceError(`${what} has no hostKey: nobody could tell who answers`, resource, true);
  return {
    host: address,
    port,
    user,
    // An unreachable host fails after about a minute, not after the provider's three.
    dialErrorLimit: 3,
    perDialTimeout: 15,
    ...(hostKey === undefined ? {} : { hostKey: pulumi.output(hostKey).apply(parseHostKey) }),
  };
}
