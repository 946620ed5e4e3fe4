import { randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { basename } from "node:path";
import { type CompletionRequest, type Llama, PromptTooLong } from "./llama";

/** OpenAI's default. */
const MAX_TOKENS = 16;
/** llama-server's default. */
const TEMPERATURE = 0.8;
const MOST_BODY_BYTES = 1024 * 1024;

/** What the client did wrong. */
class RequestError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly type = "invalid_request_error",
  ) {
    super(message);
  }
}

/**
 * llama-server's interface, as far as it is needed: `GET /health` says 503 until the model is loaded, then 200, and
 * `POST /v1/completions` is OpenAI's. It listens from the start, as llama-server does.
 * @param loaded the engine, once it is there
 */
export function llamaHttp(modelFile: string, loaded: () => Llama | undefined): Server {
  const model = basename(modelFile);
  return createServer((request, response) => {
    answer(request, response, model, loaded()).catch((error: unknown) => {
      sendError(response, error);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  model: string,
  llama: Llama | undefined,
): Promise<void> {
  const route = `${request.method ?? ""} ${(request.url ?? "").split("?")[0] ?? ""}`;
  if (route !== "GET /health" && route !== "POST /v1/completions")
    throw new RequestError(404, `${route}: there is GET /health and POST /v1/completions`, "not_found_error");
  if (llama === undefined) throw new RequestError(503, "Loading model", "unavailable_error");
  if (route === "GET /health") {
    send(response, 200, { status: "ok" });
    return;
  }
  const wanted = completionRequest(await readBody(request));
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  const { text, finishReason, promptTokens, completionTokens } = await llama.complete(wanted, gone.signal);
  send(response, 200, {
    id: `cmpl-${randomUUID()}`,
    object: "text_completion",
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ text, index: 0, logprobs: null, finish_reason: finishReason }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  });
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > MOST_BODY_BYTES) throw new RequestError(413, `at most ${MOST_BODY_BYTES} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
  } catch {
    throw new RequestError(400, "the body is no JSON");
  }
}

function completionRequest(body: unknown): CompletionRequest {
  if (typeof body !== "object" || body === null) throw new RequestError(400, "the body is no object");
  const { prompt, max_tokens, temperature, seed } = body as Record<string, unknown>;
  if (typeof prompt !== "string") throw new RequestError(400, '"prompt" must be a string');
  return {
    prompt,
    maxTokens:
      number("max_tokens", max_tokens, (value) => Number.isInteger(value) && value > 0) ?? MAX_TOKENS,
    temperature: number("temperature", temperature, (value) => value >= 0) ?? TEMPERATURE,
    seed: number("seed", seed, (value) => Number.isInteger(value) && value >= 0),
  };
}

function number(name: string, value: unknown, allowed: (value: number) => boolean): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && allowed(value)) return value;
  throw new RequestError(400, `"${name}" cannot be ${JSON.stringify(value)}`);
}

/** OpenAI's and llama-server's form of an error. */
function sendError(response: ServerResponse, error: unknown): void {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const { code, type } =
    error instanceof RequestError
      ? error
      : error instanceof PromptTooLong
        ? { code: 400, type: "exceed_context_size_error" }
        : { code: 500, type: "server_error" };
  send(response, code, { error: { code, message, type } });
}

function send(response: ServerResponse, code: number, body: object): void {
  if (response.destroyed || response.headersSent) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    // Whatever is left of a body that was refused is not read.
    ...(code >= 400 ? { Connection: "close" } : {}),
  });
  response.end(text);
}
