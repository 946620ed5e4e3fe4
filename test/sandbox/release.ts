/** Debian releases that the sandbox can be: the one of the VPS first, then the next, then what will be the one after that. */
export const RELEASES = ["bookworm", "trixie", "sid"] as const;
export type Release = (typeof RELEASES)[number];

export const DEFAULT_RELEASE: Release = RELEASES[0];

/** The suites of a release; sid has no updates of its own. */
export function suitesOf(release: Release): string[] {
  return release === "sid" ? [release] : [release, `${release}-updates`, `${release}-security`];
}

/** In the place of a release's name: an image that was not built here (adopted-image.ts). */
export const ADOPTED = "image";
