import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes a host, and all that is below it, known under the names that they had while the host had others: nothing is
 * created or deleted when it is renamed. Each resource says so by itself. Pulumi would infer a child's alias from its
 * parent's, but only in the run that moves the parent: if that one fails half-way, the next would create the rest anew
 * and then delete what it has just applied.
 */
export function knownAsBefore(host: string, formerly: readonly string[]): pulumi.ResourceTransformation {
  const others = formerly.filter((name) => name !== host);
  return ({ name, props, opts }) => {
    const former = others.map((other) => ({ name: other + name.slice(host.length) }));
    return { props, opts: { ...opts, aliases: [...(opts.aliases ?? []), ...former] } };
  };
}
