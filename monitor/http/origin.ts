import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";

/** An answer to one who may not have what it asks for. */
export interface Refusal {
  readonly status: 403 | 421;
  readonly text: string;
}

/** What load balancers ask for, by whatever name and with whatever headers of others they pass on. It tells little. */
const FOR_ANYONE: ReadonlySet<string> = new Set(["/healthz", "/capacity"]);
/** What only people and the page ask for. */
const FOR_BROWSERS: ReadonlySet<string> = new Set(["/", "/history"]);

/**
 * Keeps other pages of a browser away, which reaches what its user's machine reaches: an SSH tunnel's end on loopback, too.
 *
 * What such a page asks for here by the address is of another origin, and the browser says so where it can (Fetch metadata;
 * Origin). A name of its own that it lets point here (DNS rebinding) makes it the same origin, and nothing but `Host` tells:
 * a browser is answered by an address, `localhost` or the host's own name alone. Prometheus asks by whatever name it was
 * given; it is known by lacking what every browser sends and no page can leave out.
 * @param hostName how the configuration calls the host
 */
export function refusal(
  path: string,
  method: string,
  headers: IncomingHttpHeaders,
  hostName: string,
): Refusal | undefined {
  if (method !== "GET" && method !== "HEAD") return refusalToChange(headers);
  if (FOR_ANYONE.has(path)) return undefined;
  const host = headers.host;
  if (host !== undefined && (FOR_BROWSERS.has(path) || isBrowser(headers)) && !isOwnName(host, hostName))
    return {
      status: 421,
      text: `a browser is answered by an IP address, localhost or ${hostName}, not by ${JSON.stringify(host)}`,
    };
  return isForeign(headers) ? { status: 403, text: "not for the page of another origin" } : undefined;
}

/** Every browser names the origin of what changes something; nothing in a browser has a reason to. */
function refusalToChange(headers: IncomingHttpHeaders): Refusal | undefined {
  const isOfBrowser = headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
  return isOfBrowser ? { status: 403, text: "not for a browser" } : undefined;
}

/** Over plain HTTP to a name a browser sends neither Origin nor Fetch metadata with a GET, but always what it can read. */
function isBrowser(headers: IncomingHttpHeaders): boolean {
  const signs = ["origin", "referer", "accept-language", "sec-fetch-site", "sec-fetch-mode"];
  return signs.some((name) => headers[name] !== undefined);
}

/** Another origin's page asks; a link that somebody follows is no page that reads. */
function isForeign(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) return true;
  const site = headers["sec-fetch-site"];
  if (site !== "cross-site" && site !== "same-site") return false;
  return headers["sec-fetch-mode"] !== "navigate" || headers["sec-fetch-dest"] !== "document";
}

/** `127.0.0.1:9900`, `[::1]:9900`, `localhost:9900`, or the host's name: none can point elsewhere by another's will. */
function isOwnName(host: string, hostName: string): boolean {
  const [, six, plain = ""] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/i.exec(host) ?? [];
  if (six !== undefined) return isIP(six) === 6;
  const name = plain.toLowerCase();
  return isIP(name) === 4 || name === "localhost" || name === hostName.toLowerCase();
}
