import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** What a receiver says of what it was sent. */
export interface Receipt {
  readonly status: number;
  /** How long to wait, where it says so (`Retry-After` in seconds). */
  readonly retryAfterSeconds: number | undefined;
}

/** Tells others over HTTP or HTTPS. */
export interface HttpSender {
  readonly send: (
    url: string,
    message: {
      readonly method: "GET" | "POST";
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
    timeoutSeconds: number,
  ) => Promise<Receipt>;
}

/** Asks services over HTTP. */
export interface Http {
  /** The whole answer. */
  readonly get: (
    url: string,
    timeoutSeconds: number,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<HttpAnswer>;
  /** Only its status: what follows is not read. */
  readonly status: (url: string, timeoutSeconds: number) => Promise<number>;
}

/** Of one answer. Ollama tells some 700 bytes of each model. */
const MOST_BYTES = 128 * 1024;
/** Of all answers that are being read: parsed, they take some ten times as much of a heap of 24 MiB. */
const MOST_BYTES_TOGETHER = 512 * 1024;

/**
 * node:http (the global fetch costs 10 MB). A question ends after `timeoutSeconds` whatever the other side does, and no
 * answer is kept that the heap has no room for, however many services answer at once.
 */
export class HttpClient implements Http, HttpSender {
  private held = 0;

  get(...[url, timeoutSeconds, headers = {}]: Parameters<Http["get"]>): Promise<HttpAnswer> {
    return this.ask(url, { headers }, undefined, timeoutSeconds, (response) => this.read(response));
  }

  status(url: string, timeoutSeconds: number): Promise<number> {
    return this.ask(url, {}, undefined, timeoutSeconds, statusOf);
  }

  send(...[url, { method, body, headers = {} }, timeoutSeconds]: Parameters<HttpSender["send"]>) {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const options = { method, headers: { ...headers, ...length } };
    return this.ask(url, options, body, timeoutSeconds, async (response): Promise<Receipt> => {
      const seconds = Number(response.headers["retry-after"] ?? NaN);
      return {
        status: await statusOf(response),
        retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
      };
    });
  }

  /** The connection ends with the answer, or with the reason why there is none. */
  private async ask<T>(
    url: string,
    options: RequestOptions,
    body: string | undefined,
    timeoutSeconds: number,
    take: (response: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    // TLS takes memory that a host without such an address need not have.
    const ask = url.startsWith("https:") ? (await import("node:https")).request : httpRequest;
    return new Promise<T>((resolve, reject) => {
      const request = ask(url, { ...options, agent: false }, (response) => {
        response.on("error", end);
        take(response).then((taken) => {
          end();
          resolve(taken);
        }, end);
      });
      const timer = setTimeout(() => {
        end(new Error(`no answer within ${timeoutSeconds} s`));
      }, timeoutSeconds * 1000);
      request.on("error", end);
      request.end(body);
      function end(error?: Error): void {
        clearTimeout(timer);
        if (error !== undefined) reject(error);
        request.destroy();
      }
    });
  }

  private async read(response: IncomingMessage): Promise<HttpAnswer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        this.held += chunk.length;
        if (bytes > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES / 1024} KiB`);
        if (this.held > MOST_BYTES_TOGETHER)
          throw new Error(`the answers of all services are larger than ${MOST_BYTES_TOGETHER / 1024} KiB`);
        chunks.push(chunk);
      }
      return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
    } finally {
      this.held -= bytes;
    }
  }
}

const statusOf = (response: IncomingMessage): Promise<number> => Promise.resolve(response.statusCode ?? 0);
