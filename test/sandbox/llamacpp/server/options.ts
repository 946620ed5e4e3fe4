import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

/** What llama-server calls them, and its defaults. */
export interface Options {
  /** `-m`: the GGUF file. */
  readonly model: string;
  /** `--host`: 127.0.0.1. */
  readonly host: string;
  /** `--port`: 8080. */
  readonly port: number;
  /** `-c`: tokens of context, whose memory is taken at the start. 0, the default, is as many as the model was trained on. */
  readonly contextSize: number;
  /** `-t`: all cores. */
  readonly threads: number;
  /** `--no-mmap`: reads the model into memory of its own instead of mapping the file. */
  readonly mmap: boolean;
}

const OPTIONS = {
  model: { type: "string", short: "m" },
  host: { type: "string" },
  port: { type: "string" },
  "ctx-size": { type: "string", short: "c" },
  threads: { type: "string", short: "t" },
  "no-mmap": { type: "boolean" },
} as const;

/**
 * Reads the command line, and for what it leaves out llama-server's variables: LLAMA_ARG_MODEL, LLAMA_ARG_HOST,
 * LLAMA_ARG_PORT, LLAMA_ARG_CTX_SIZE and LLAMA_ARG_THREADS.
 * @throws Error that names the option
 */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true });
  const model = values.model ?? environment["LLAMA_ARG_MODEL"];
  if (model === undefined) throw new Error("-m FILE: the model is missing");
  const number = (
    name: "port" | "ctx-size" | "threads",
    variable: string,
    most: number,
  ): number | undefined => wholeNumber(`--${name}`, values[name] ?? environment[variable], most);
  return {
    model,
    host: values.host ?? environment["LLAMA_ARG_HOST"] ?? "127.0.0.1",
    port: number("port", "LLAMA_ARG_PORT", 65535) ?? 8080,
    contextSize: number("ctx-size", "LLAMA_ARG_CTX_SIZE", 2 ** 31 - 1) ?? 0,
    threads: number("threads", "LLAMA_ARG_THREADS", 1024) ?? availableParallelism(),
    mmap: values["no-mmap"] !== true,
  };
}

function wholeNumber(option: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new Error(`${option} ${text}: a whole number from 0 to ${most} is needed`);
}
