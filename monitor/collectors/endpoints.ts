import type { ServiceSettings } from "../config/schema";
import type { Clock } from "../host/clock";
import { errorText } from "../host/files";
import type { Http } from "../host/http";
import type { LoadedModel } from "../parse/model";
import { parseLoadedModels } from "../parse/ollama";
import type { Probe } from "../report/snapshot";

const OLLAMA_TIMEOUT_SECONDS = 2;

/** What a service says of itself over HTTP. Both are undefined where not configured. */
export interface Endpoints {
  readonly models: ReadonlyMap<string, readonly LoadedModel[]>;
  readonly probes: ReadonlyMap<string, Probe>;
}

/** The health probes of all services that have one, at the same time. A probe that fails is a result, no failure. */
export async function probeServices(
  services: readonly ServiceSettings[],
  http: Pick<Http, "status">,
  clock: Clock,
): Promise<Map<string, Probe> | undefined> {
  const probes = services.flatMap(({ name, health }) => {
    if (health === undefined) return [];
    const started = clock.monotonic();
    const took = () => Math.max(0, clock.monotonic() - started);
    const result = http.status(health.http, health.timeoutSeconds).then(
      (status): Probe => ({
        success: status < 400,
        durationSeconds: took(),
        error: status < 400 ? undefined : `status ${status}`,
      }),
      (error: unknown): Probe => ({ success: false, durationSeconds: took(), error: errorText(error) }),
    );
    return [result.then((probe): [string, Probe] => [name, probe])];
  });
  return probes.length === 0 ? undefined : new Map(await Promise.all(probes));
}

/** The models that each Ollama that runs has loaded; one that does not answer fails the collector, the others are kept. */
export async function collectModels(
  services: readonly ServiceSettings[],
  http: Pick<Http, "get">,
  isUp: (service: string) => boolean,
): Promise<{ models: Map<string, LoadedModel[]>; errors: string[] } | undefined> {
  const asked = services.flatMap(({ name, ollama }) =>
    ollama === undefined || !isUp(name) ? [] : [{ name, ollama }],
  );
  if (asked.length === 0) return undefined;
  const models = new Map<string, LoadedModel[]>();
  const errors: string[] = [];
  await Promise.all(
    asked.map(async ({ name, ollama }) => {
      try {
        const { status, body } = await http.get(
          `${ollama.replace(/\/$/, "")}/api/ps`,
          OLLAMA_TIMEOUT_SECONDS,
        );
        if (status !== 200) throw new Error(`status ${status}`);
        models.set(name, parseLoadedModels(body));
      } catch (error) {
        errors.push(`${name}: ${errorText(error)}`);
      }
    }),
  );
  return { models, errors };
}
