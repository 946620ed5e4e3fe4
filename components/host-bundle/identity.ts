/** A stack of Pulumi's. */
export interface StackId {
  readonly project: string;
  readonly stack: string;
}

/** By the present name of a host or of a component: the name that it had first. */
export type FirstNames = Readonly<Record<string, string>>;

/**
 * What a resource was called before anything was renamed. As in Pulumi's aliases, what its name begins with was renamed
 * with it; of several, the longest counts.
 */
export function firstName(name: string, firstNames: FirstNames = {}): string {
  const [renamed] = Object.entries(firstNames)
    .filter(([now]) => name === now || name.startsWith(`${now}-`))
    .sort(([a], [b]) => b.length - a.length);
  if (renamed === undefined) return name;
  const [now, first] = renamed;
  return first + name.slice(now.length);
}

/**
 * Whose a bundle on a host is: `PROJECT/STACK/IDENTITY`. No rename changes it that Pulumi does not take for another
 * resource, so that whoever else applies or removes the bundle is known by it.
 * @param resource name of the HostBundle
 */
export function ownerOf(
  { project, stack }: StackId,
  resource: string,
  firstNames: FirstNames | undefined,
): string {
  return `${project}/${stack}/${firstName(resource, firstNames)}`;
}
