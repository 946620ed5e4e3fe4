/** An IP address. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** Its shortest spelling (RFC 5952): two spellings of one address are the same here. */
  readonly text: string;
}

/** An IP address without brackets, zone or port; undefined for anything else, `010.0.0.1` (octal to some) among it. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIpv4(text)) return { family: 4, text };
  const groups = ipv6Groups(text.toLowerCase());
  return groups === undefined ? undefined : { family: 6, text: shortest(groups) };
}

/** Whether what listens at the one is in the way of what listens at the other, on the same port. */
export function overlap(a: IpAddress, b: IpAddress): boolean {
  return a.family === b.family && (a.text === b.text || isWildcard(a) || isWildcard(b));
}

/** As it stands before a colon and a port. */
export function bracketed({ family, text }: IpAddress): string {
  return family === 6 ? `[${text}]` : text;
}

/** Every address of its family. */
function isWildcard({ text }: IpAddress): boolean {
  return text === "0.0.0.0" || text === "::";
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return (
    parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  );
}

function ipv6Groups(text: string): number[] | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...before, ...Array<number>(missing).fill(0), ...after];
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined;
}

/** The longest run of two or more zeros, the first of several, is `::`. */
function shortest(groups: readonly number[]): string {
  const hex = groups.map((group) => group.toString(16)).join(":");
  const runs = hex.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return hex;
  const at = hex.search(new RegExp(`(^|:)${longest}(:|$)`));
  const start = hex.slice(0, at);
  const end = hex.slice(at).replace(/^:/, "").slice(longest.length).replace(/^:/, "");
  return `${start}::${end}`;
}
