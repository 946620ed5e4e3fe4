/**
 * Starts Machines of Fly.io's while a goblin host has no room for more work, and stops them when it has had room for a while. Those that it
 * may touch carry the metadata `goblin-overflow=yes`; what runs is asked from Fly's Machines API each time, so it may end at any moment.
 */

export interface Settings {
  /** Address of `/capacity` of the host's monitor. */
  readonly capacity: string;
  /** The word in the file that `monitor.access.token` names. */
  readonly capacityToken: string | undefined;
  /** Base address of the Machines API; inside Fly's network `http://_api.internal:4280`. */
  readonly api: string;
  /** `fly tokens create deploy`, for the app with the Machines. */
  readonly apiToken: string;
  readonly app: string;
  readonly everySeconds: number;
  /** So long without room, and one more is started; as long again, and the next. */
  readonly fullSeconds: number;
  /** So long with room, and one is stopped; as long again, and the next. */
  readonly calmSeconds: number;
}

interface Machine {
  readonly id: string;
  readonly state: string;
  readonly config?: { readonly metadata?: Readonly<Record<string, string>> };
}

/** Fly's names for what can be started, and for what can be stopped. */
const STARTABLE = new Set(["stopped", "suspended"]);
const STOPPABLE = new Set(["started"]);
const TIMEOUT_MILLISECONDS = 5000;

export class Overflow {
  private readonly settings: Settings;
  private readonly say: (line: string) => void;
  private hasRoom: boolean | undefined;
  private since = 0;

  // Node.js runs this file as it is, and takes no shorter form.
  constructor(settings: Settings, say: (line: string) => void) {
    this.settings = settings;
    this.say = say;
  }

  /** One look, and at most one Machine started or stopped. Rejects where Fly refuses; the next look tries again. */
  async look(now: number): Promise<void> {
    const { fullSeconds, calmSeconds } = this.settings;
    const room = await this.askRoom();
    if (room !== this.hasRoom) {
      this.say(room ? "the host has room" : "the host has no room");
      this.hasRoom = room;
      this.since = now;
    }
    if (now - this.since < 1000 * (room ? calmSeconds : fullSeconds)) return;
    const machine = (await this.machines()).find(({ state }) => (room ? STOPPABLE : STARTABLE).has(state));
    if (machine !== undefined) {
      const action = room ? "stop" : "start";
      await this.fly("POST", `/machines/${encodeURIComponent(machine.id)}/${action}`);
      this.say(`${action} ${machine.id}`);
    }
    this.since = now;
  }

  /** No answer is no room: a host that is frozen says nothing. */
  private async askRoom(): Promise<boolean> {
    const { capacity, capacityToken } = this.settings;
    try {
      const response = await fetch(capacity, {
        headers: capacityToken === undefined ? {} : { authorization: `Bearer ${capacityToken}` },
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
      // A wrong token says nothing of the host, and would start everything.
      if (response.status === 401) throw new Refused(`${capacity} takes another token`);
      const body = (await response.json()) as { available?: unknown } | null;
      return response.status === 200 && body?.available === true;
    } catch (error) {
      if (error instanceof Refused) throw error;
      return false;
    }
  }

  private async machines(): Promise<Machine[]> {
    const all = (await (await this.fly("GET", "/machines")).json()) as Machine[];
    return all.filter(({ config }) => config?.metadata?.["goblin-overflow"] === "yes");
  }

  private async fly(method: string, path: string): Promise<Response> {
    const { api, app, apiToken } = this.settings;
    const response = await fetch(`${api}/v1/apps/${encodeURIComponent(app)}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiToken}` },
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    if (!response.ok) throw new Refused(`Fly answers ${response.status} to ${method} ${path}`);
    return response;
  }
}

class Refused extends Error {}

/** Settings by environment; secrets by `fly secrets set`. All that is missing is told at once. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const missing = ["CAPACITY_URL", "OVERFLOW_APP", "FLY_API_TOKEN"].filter((name) => !environment[name]);
  const seconds = (name: string, preset: number): number => {
    const value = Number(environment[name] ?? preset);
    if (!(value >= 1)) missing.push(`${name} (a number of seconds, 1 or more)`);
    return value;
  };
  const settings = {
    capacity: environment["CAPACITY_URL"] ?? "",
    capacityToken: environment["CAPACITY_TOKEN"],
    api: environment["FLY_API_HOSTNAME"] ?? "http://_api.internal:4280",
    apiToken: environment["FLY_API_TOKEN"] ?? "",
    app: environment["OVERFLOW_APP"] ?? "",
    everySeconds: seconds("EVERY_SECONDS", 10),
    fullSeconds: seconds("FULL_SECONDS", 60),
    calmSeconds: seconds("CALM_SECONDS", 600),
  };
  if (missing.length > 0) throw new Error(`set ${missing.join(", ")}`);
  return settings;
}
