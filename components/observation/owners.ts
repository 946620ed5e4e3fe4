import type { SentBundle } from "../host-bundle/sent";
import type { Observation } from "./observe";

/** A bundle, and whose it is to be. */
export type OwnedBundle = Pick<SentBundle, "name" | "owner">;

/** A bundle on a host that somebody else has applied. */
export interface ForeignBundle {
  readonly bundle: string;
  readonly found: string;
  readonly ours: string;
}

/** What on a host belongs to others. Version 1.0 applied without an owner: that is whoever's comes next. */
export function foreignBundles(
  observation: Observation | undefined,
  bundles: readonly OwnedBundle[],
): ForeignBundle[] {
  if (observation?.kind !== "status") return [];
  const { bundles: held } = observation.status;
  return bundles.flatMap(({ name, owner }) => {
    const found = held.find((bundle) => bundle.name === name)?.owner ?? "";
    return found === "" || found === owner ? [] : [{ bundle: name, found, ours: owner }];
  });
}

/**
 * Why nothing is done about a host, and the ways out.
 * @param at the host, for people
 * @param keep how what was renamed keeps its identity; undefined where that is not it
 * @param onHost what runs a command there
 * @returns undefined where nothing belongs to others
 */
export function explainForeign(
  at: string,
  foreign: readonly ForeignBundle[],
  keep: string | undefined,
  onHost = "on the host, as root: ai-resource-manager",
): string | undefined {
  const [first, ...others] = foreign;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? "" : ` (so it is with ${others.map(({ bundle }) => bundle).join(", ")})`;
  const { project, stack } = parse(first.found);
  const away =
    keep ??
    `to leave it there: take it out of this program, and apply it from the stack ${stack} of the project ${project} (pulumi stack select ${stack})`;
  return [
    `${at}: its bundle ${first.bundle} belongs to ${first.found}, and this program would apply it as ${first.ours}${more}`,
    away,
    `to take it over from there: ${onHost} disown, then pulumi up`,
  ].join("\n    ");
}

/**
 * How a renamed host keeps its identity, where a rename is what tells the owners apart.
 * @param host its name in the configuration
 * @param first the name that it is known by
 */
export function keepHost(host: string, first: string, foreign: readonly ForeignBundle[]): string | undefined {
  const [renamed] = foreign.map(renameOf);
  if (renamed?.now !== first) return undefined;
  return `if the host was renamed, keep its identity: pulumi config set --path 'goblin-host:hosts.${host}.formerly[0]' ${renamed.was}`;
}

/** The same of a component in a program of one's own. */
export function keepComponent(foreign: readonly ForeignBundle[]): string | undefined {
  const [renamed] = foreign.map(renameOf);
  if (renamed === undefined) return undefined;
  const names = JSON.stringify({ [renamed.now]: renamed.was });
  return `if it was renamed, keep its identity: firstNames: ${names} in its host, beside Pulumi's aliases, or formerly of its GoblinHost (docs/components/host-bundle.md)`;
}

/** What was renamed, if both are of one stack: what differs before what both names end in. */
function renameOf({
  found,
  ours,
}: ForeignBundle): { readonly now: string; readonly was: string } | undefined {
  const [theirs, mine] = [parse(found), parse(ours)];
  if (theirs.project !== mine.project || theirs.stack !== mine.stack) return undefined;
  const [was, now] = [theirs.identity.split("-"), mine.identity.split("-")];
  while (was.length > 1 && now.length > 1 && was.at(-1) === now.at(-1)) {
    was.pop();
    now.pop();
  }
  return { was: was.join("-"), now: now.join("-") };
}

function parse(owner: string): {
  readonly project: string;
  readonly stack: string;
  readonly identity: string;
} {
  const [project = "", stack = "", ...identity] = owner.split("/");
  return { project, stack, identity: identity.join("/") };
}
