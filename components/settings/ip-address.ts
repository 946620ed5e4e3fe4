import { z } from "zod";

/** An IP address. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** Its shortest spelling (RFC 5952): two spellings of one address are the same here. */
  readonly text: string;
}

/** An IP address without brackets, zone or port; undefined for anything else, `010.0.0.1` (octal to some) among it. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (z.ipv4().safeParse(text).success) return { family: 4, text };
  if (text.includes(".") || !z.ipv6().safeParse(text).success) return undefined;
  return { family: 6, text: new URL(`http://[${text}]`).hostname.slice(1, -1) };
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
