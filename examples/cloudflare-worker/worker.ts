/**
 * Sends each request to the goblin host that has most room, and to none that is full, stale or silent. What a host says of itself
 * (`GET /capacity` of its monitor) is believed for as long as the answer allows: `Cache-Control: max-age`, or `Retry-After`.
 */

export interface Env {
  /** JSON: `[{"name": "a", "origin": "https://a.example.com", "capacity": "https://a.example.com:9465/capacity"}]` */
  readonly HOSTS: string;
  /** The word in the file that `monitor.access.token` names: `wrangler secret put CAPACITY_TOKEN`. */
  readonly CAPACITY_TOKEN?: string;
}

interface Host {
  readonly name: string;
  readonly origin: string;
  readonly capacity: string;
}

/** Room for more work, as a ratio of the scarcest resource; undefined is none. */
interface Verdict {
  readonly room: number | undefined;
  readonly until: number;
}

/** A host that has not answered by then is a frozen one. */
const TIMEOUT_MILLISECONDS = 2000;
/** For answers that do not say how long they hold. */
const USUAL_SECONDS = 10;
const LONGEST_SECONDS = 60;

/** Verdicts of this isolate, by address. */
const verdicts = new Map<string, Verdict>();

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const hosts = readHosts(env.HOSTS);
    const judged = await Promise.all(
      hosts.map(async (host) => ({ host, verdict: await judge(host, env.CAPACITY_TOKEN) })),
    );
    const free = judged
      .flatMap(({ host, verdict: { room } }) => (room === undefined ? [] : [{ host, room }]))
      .sort((a, b) => b.room - a.room);
    const [best] = free;
    if (best === undefined) {
      const wait = Math.min(...judged.map(({ verdict }) => verdict.until - Date.now()));
      return refuse(503, "no host has room for more work", Math.max(1, Math.ceil(wait / 1000)));
    }
    const url = new URL(request.url);
    try {
      return await fetch(new Request(`${best.host.origin}${url.pathname}${url.search}`, request));
    } catch {
      // Its body may have been sent already: whoever asked may ask again, this Worker may not.
      verdicts.set(best.host.capacity, { room: undefined, until: Date.now() + USUAL_SECONDS * 1000 });
      return refuse(502, `${best.host.name} does not answer`, 1);
    }
  },
};

async function judge({ capacity }: Host, token: string | undefined): Promise<Verdict> {
  const now = Date.now();
  const before = verdicts.get(capacity);
  if (before !== undefined && before.until > now) return before;
  const verdict = await ask(capacity, token, now);
  verdicts.set(capacity, verdict);
  return verdict;
}

async function ask(address: string, token: string | undefined, now: number): Promise<Verdict> {
  try {
    const response = await fetch(address, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    const body: unknown = response.status === 200 ? await response.json() : await response.body?.cancel();
    return { room: roomIn(body), until: now + 1000 * secondsOf(response.headers) };
  } catch {
    return { room: undefined, until: now + 1000 * USUAL_SECONDS };
  }
}

/** The scarcest resource counts; one that is not measured (null) or not there does not. */
function roomIn(body: unknown): number | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { available, headroom } = body as { available?: unknown; headroom?: unknown };
  if (available !== true || typeof headroom !== "object" || headroom === null) return undefined;
  const rooms = Object.values(headroom).filter((room): room is number => typeof room === "number");
  return rooms.length === 0 ? undefined : Math.min(...rooms);
}

function secondsOf(headers: Headers): number {
  const told = /max-age=(\d+)/.exec(headers.get("cache-control") ?? "")?.[1] ?? headers.get("retry-after");
  const seconds = Number(told ?? NaN);
  return seconds >= 1 ? Math.min(seconds, LONGEST_SECONDS) : USUAL_SECONDS;
}

function readHosts(text: string): Host[] {
  const hosts = JSON.parse(text) as Host[];
  for (const { name, origin, capacity } of hosts) {
    if (new URL(origin).origin !== origin)
      throw new Error(
        `HOSTS: ${name}: origin is "${origin}"; allowed: scheme, name and port, such as https://a.example.com`,
      );
    new URL(capacity);
  }
  if (hosts.length === 0) throw new Error("HOSTS: no host");
  return hosts;
}

function refuse(status: number, error: string, seconds: number): Response {
  return Response.json(
    { error },
    { status, headers: { "retry-after": String(seconds), "cache-control": "no-store" } },
  );
}
