import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";

/** The page as the build makes it: one document, and what its Content-Security-Policy allows of it. */
export interface BuiltPage {
  readonly html: string;
  /** Changes with the document. */
  readonly version: string;
  /** `sha256-...` of its script and of its style. */
  readonly script: string;
  readonly style: string;
}

/** Set by the bundler: scripts/build-page.ts. */
declare const AIRM_PAGE: BuiltPage | undefined;

/** What there is without a bundle. */
const NOT_BUILT: BuiltPage = {
  html: "<!doctype html><title>ai-resource-monitor</title>The page is part of the bundle: npm run build:monitor\n",
  version: "none",
  script: "sha256-",
  style: "sha256-",
};

export interface PageAnswer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The monitor's page. It is compressed when somebody first asks: a host that nobody looks at does not pay for it. */
export class Page {
  private compressed: Promise<Buffer> | undefined;

  constructor(private readonly built: BuiltPage = typeof AIRM_PAGE === "undefined" ? NOT_BUILT : AIRM_PAGE) {}

  async answer(headers: IncomingHttpHeaders): Promise<PageAnswer> {
    // Weak: both encodings are the same page.
    const tag = `W/"${this.built.version}"`;
    const common = {
      etag: tag,
      // It is asked for again each time, and answered in a line while it is the same.
      "cache-control": "no-cache",
      vary: "accept-encoding",
      ...this.policy(),
    };
    if (headers["if-none-match"]?.split(/\s*,\s*/).includes(tag) === true)
      return { status: 304, headers: common, body: Buffer.alloc(0) };
    const type = { "content-type": "text/html; charset=utf-8" };
    if (!acceptsGzip(headers["accept-encoding"]))
      return { status: 200, headers: { ...common, ...type }, body: Buffer.from(this.built.html) };
    this.compressed ??= compress(this.built.html);
    const body = await this.compressed;
    return { status: 200, headers: { ...common, ...type, "content-encoding": "gzip" }, body };
  }

  /** It runs its own script, asks its own server, and nothing else: also where a service's name were a script. */
  private policy(): Record<string, string> {
    const { script, style } = this.built;
    return {
      "content-security-policy": [
        "default-src 'none'",
        `script-src '${script}'`,
        `style-src '${style}'`,
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ].join("; "),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
    };
  }
}

/** In a thread of libuv's. */
async function compress(text: string): Promise<Buffer> {
  const { gzip } = await import("node:zlib");
  return promisify(gzip)(text);
}

/** `gzip` or `*`, not with a weight of 0 (RFC 9110, 12.5.3). */
function acceptsGzip(accepted: string | string[] | undefined): boolean {
  const codings = String(accepted ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.split(";").map((part) => part.trim()));
  const weightOf = (name: string): number | undefined => {
    const found = codings.find(([coding]) => coding === name);
    if (found === undefined) return undefined;
    const weight = found.slice(1).find((part) => part.startsWith("q="));
    return weight === undefined ? 1 : Number(weight.slice(2));
  };
  return (weightOf("gzip") ?? weightOf("*") ?? 0) > 0;
}
