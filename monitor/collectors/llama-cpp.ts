import type { ServiceSettings } from "../config/schema";
import type { Clock } from "../host/clock";
import { errorText, readRequired } from "../host/files";
import type { Http } from "../host/http";
import {
  type LlamaCppMetrics,
  parseMetrics,
  parseProps,
  parseRouterModels,
  parseSlots,
} from "../parse/llama-cpp";
import type { LoadedModel } from "../parse/model";
import { ParseError } from "../parse/text";
import type { LlamaCppSample, ServiceSample } from "../report/snapshot";

/** For all questions to one server together. */
const TIMEOUT_SECONDS = 2;
/** Of a core: more than a server that waits and our questions to it take, less than work on a request. */
const AT_WORK_CORES = 0.05;
/** Less is too few of the kernel's ticks to tell work from none. */
const LEAST_SECONDS = 1;

type Settings = NonNullable<ServiceSettings["llamaCpp"]>;
/** As far as it is known before its engine is asked. */
type Base = Pick<ServiceSample, "name" | "up" | "running" | "restarts">;

export interface LlamaCppAnswer {
  readonly sample: LlamaCppSample;
  /** Undefined where it does not tell. */
  readonly models: readonly LoadedModel[] | undefined;
}

/** What is remembered of a server from one collection to the next. */
interface Known {
  /** Which run of the service it is of. */
  readonly run: string;
  readonly cpu: { readonly usageSeconds: number; readonly atSeconds: number } | undefined;
  /** By its CPU time since the collection before. */
  readonly usesCpu: boolean;
  /** By its own last words. */
  readonly isBusy: boolean;
  readonly metrics: LlamaCppMetrics | undefined;
  readonly metricsAtSeconds: number | undefined;
}

/**
 * Asks llama-servers what they do, and never wakes one whose model sleeps (`--sleep-idle-seconds`), nor keeps one from it. Of its
 * endpoints only /health, /props and /models leave both the sleep and the idle timer alone. /slots wakes the model, and so does
 * /metrics before August 2026 (server_res_generator in tools/server/server-context.cpp, ggml-org/llama.cpp#27376); both put a
 * task into its queue, which starts the idle timer anew (server_queue::post, ggml-org/llama.cpp#20227). So a server that may
 * sleep is asked for these only while it is at work, when its timer runs anew by itself.
 */
export class LlamaCppCollector {
  private readonly known = new Map<string, Known>();

  constructor(
    private readonly http: Pick<Http, "get">,
    private readonly clock: Clock,
  ) {}

  /** One that does not answer fails the collector, the others are kept; what one does not tell is among its problems. */
  async collect(
    services: readonly ServiceSettings[],
    bases: readonly Base[] | undefined,
  ): Promise<{ answers: Map<string, LlamaCppAnswer>; errors: string[] } | undefined> {
    for (const name of this.known.keys())
      if (services.every((service) => service.name !== name)) this.known.delete(name);
    const asked = services.flatMap(({ name, llamaCpp }) => {
      const base = bases?.find((one) => one.name === name);
      return llamaCpp === undefined || base?.up === false ? [] : [{ name, llamaCpp, base }];
    });
    if (asked.length === 0) return undefined;
    const answers = new Map<string, LlamaCppAnswer>();
    const errors: string[] = [];
    await Promise.all(
      asked.map(async ({ name, llamaCpp, base }) => {
        try {
          answers.set(name, await this.ask(name, llamaCpp, base));
        } catch (error) {
          errors.push(`${name}: ${errorText(error)}`);
        }
      }),
    );
    return { answers, errors };
  }

  private async ask(name: string, settings: Settings, base: Base | undefined): Promise<LlamaCppAnswer> {
    const known = this.observe(name, base);
    const get = this.getter(settings);
    const problems: string[] = [];
    const props = await part("/props", get, problems, parseProps, true);
    const counted = { metrics: withoutGauges(known.metrics), metricsAtSeconds: known.metricsAtSeconds };
    const nothing = { slots: undefined, busySlots: undefined, ...counted, problems };
    if (props === undefined)
      return { sample: { role: undefined, sleeping: undefined, ...nothing }, models: undefined };
    const { role, sleeping, slots, model } = props;
    const told = { role, sleeping, ...nothing, slots };
    if (role === "router") {
      problems.push("a router: its models' servers are not asked, as that would load or wake them");
      return { sample: told, models: await part("/models", get, problems, parseRouterModels) };
    }
    if (sleeping === true) return { sample: told, models: [] };
    const models = model && [model];
    if (settings.sleeps && sleeping !== undefined && !known.usesCpu && !known.isBusy) {
      problems.push("/metrics and /slots are not asked while it is idle: that would keep it from sleeping");
      return { sample: told, models };
    }
    if (props.hasMetrics === false) problems.push("/metrics: it is off (llama-server --metrics)");
    if (props.hasSlots === false) problems.push("/slots: it is off (llama-server --slots)");
    const [metrics, states] = await Promise.all([
      props.hasMetrics === false ? undefined : part("/metrics", get, problems, parseMetrics),
      props.hasSlots === false ? undefined : part("/slots", get, problems, parseSlots),
    ]);
    const now = metrics === undefined ? counted : { metrics, metricsAtSeconds: this.clock.monotonic() };
    const requests = [metrics?.requestsProcessing, metrics?.requestsDeferred, states?.busy];
    const isBusy = requests.some((count) => count !== undefined && count > 0);
    this.known.set(name, { ...known, ...now, isBusy });
    return { sample: { ...told, ...now, slots: states?.total ?? slots, busySlots: states?.busy }, models };
  }

  private observe(name: string, base: Base | undefined): Known {
    const run = `${base?.running?.cgroup ?? ""} ${base?.running?.startTimeSeconds ?? ""} ${base?.restarts ?? ""}`;
    const before = this.known.get(name);
    const { cpu: last, ...kept } =
      before?.run === run
        ? before
        : {
            run,
            cpu: undefined,
            usesCpu: false,
            isBusy: false,
            metrics: undefined,
            metricsAtSeconds: undefined,
          };
    const { running } = base ?? {};
    const cpu = running?.cpu && {
      usageSeconds: running.cpu.usageSeconds,
      atSeconds: running.readAtSeconds,
    };
    const elapsedSeconds = cpu === undefined || last === undefined ? 0 : cpu.atSeconds - last.atSeconds;
    const isYoung = last !== undefined && cpu !== undefined && elapsedSeconds < LEAST_SECONDS;
    const used = cpu === undefined || last === undefined ? 0 : cpu.usageSeconds - last.usageSeconds;
    const known: Known = isYoung
      ? { ...kept, cpu: last }
      : { ...kept, cpu, usesCpu: elapsedSeconds > 0 && used / elapsedSeconds > AT_WORK_CORES };
    this.known.set(name, known);
    return known;
  }

  private getter({ url, apiKeyFile }: Settings): Get {
    const ends = this.clock.monotonic() + TIMEOUT_SECONDS;
    // Read anew each time, so that it may be replaced; in no message, whatever becomes of the question.
    const headers =
      apiKeyFile === undefined ? {} : { authorization: `Bearer ${readRequired(apiKeyFile).trim()}` };
    return (path) =>
      this.http.get(
        `${url.replace(/\/+$/, "")}${path}`,
        Math.max(0.1, ends - this.clock.monotonic()),
        headers,
      );
  }
}

type Get = (path: string) => ReturnType<Http["get"]>;

/** Undefined, with why, for what a server does not tell. `isFirst`: no answer at all is a failure. */
async function part<T>(
  path: string,
  get: Get,
  problems: string[],
  parse: (text: string) => T,
  isFirst = false,
): Promise<T | undefined> {
  try {
    const { status, body } = await get(path);
    if (status === 200) return parse(body);
    const why = MEANINGS[status];
    if (isFirst && why === undefined) throw new Error(`${path}: status ${status}`);
    problems.push(`${path}: status ${status}${why === undefined ? "" : `, ${why}`}`);
  } catch (error) {
    if (isFirst) throw error;
    // It looks into its queue between two batches, which take seconds on a slow CPU.
    problems.push(error instanceof ParseError ? error.message : `${path}: ${errorText(error)}`);
  }
  return undefined;
}

const MEANINGS: Partial<Record<number, string>> = {
  401: "it wants the API key that apiKeyFile is for",
  403: "it wants the API key that apiKeyFile is for",
  404: "it has none",
  501: "it is off",
  503: "it loads its model",
};

/** What was counted stays true, what goes on now does not. */
function withoutGauges(metrics: LlamaCppMetrics | undefined): LlamaCppMetrics | undefined {
  return (
    metrics && {
      ...metrics,
      requestsProcessing: undefined,
      requestsDeferred: undefined,
      kvCacheRatio: undefined,
    }
  );
}
