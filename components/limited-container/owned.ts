/** By this label a container, or an image, says whose it is; its value is the owner of the bundle that it belongs to. */
export const OWNER_LABEL = "goblin-host.owner";

/** The same as labels of a docker.Container. */
export function ownedBy(owner: string): { label: string; value: string }[] {
  return [{ label: OWNER_LABEL, value: owner }];
}
