/** A directive and its value; an empty value clears a list (`ExecStart=`). The comment stands in a line above it. */
export type Directive = readonly [name: string, value: string, comment?: string | undefined];

/**
 * A setting that systemd adds to what other files of the unit have, in their place: the list is cleared before it is filled.
 */
export function replacing(name: string, ...values: readonly string[]): Directive[] {
  return ["", ...values].map((value) => [name, value]);
}

/** Sections of a unit file or drop-in, in the order in which they are written. */
export type UnitSections = Readonly<Record<string, readonly Directive[]>>;

/** The first line of every file that this project writes. */
export const FILE_HEADER =
  "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.\n";

/**
 * A systemd unit file or drop-in. Directives are sorted by name, those of one name keep their order (a list is
 * cleared before it is filled), and empty sections are left out.
 */
export function renderUnitFile(sections: UnitSections): string {
  const parts = Object.entries(sections)
    .filter(([, directives]) => directives.length > 0)
    .map(
      ([section, directives]) => `[${section}]\n${directives.toSorted(byName).map(renderDirective).join("")}`,
    );
  return [FILE_HEADER, ...parts].join("\n");
}

function byName([a]: Directive, [b]: Directive): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function renderDirective([name, value, comment]: Directive): string {
  for (const line of [value, comment ?? ""]) {
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(line)) throw new RangeError(`${name}= cannot hold a control character`);
    // A backslash at the end of a line would swallow the next directive.
    if (line.endsWith("\\")) throw new RangeError(`${name}= cannot end in a backslash`);
  }
  return `${comment === undefined ? "" : `# ${comment}\n`}${name}=${value}\n`;
}
