/**
 * Stands in for llama-server's binary, which no npm package carries, over the real engine: llama.cpp's own libraries load
 * the model, take the memory and compute. What is not llama.cpp's is what this folder has: the options and the HTTP
 * interface of llama-server, as far as the tests need them, and the loop that asks for one token after the other. One request
 * at a time.
 *
 *   node llama-server.mjs -m FILE [--host ADDRESS] [--port PORT] [-c TOKENS] [-t THREADS] [--no-mmap]
 *
 * It lies beside the engine's libraries and the addon (../engine.ts).
 */
import { loadAddon } from "./addon";
import { llamaHttp } from "./http";
import { Llama } from "./llama";
import { readOptions } from "./options";

/** Also its name in ps and in /proc/PID/comm, which is what EarlyOOM looks at. */
const NAME = "llama-server";

const say = (text: string): void => {
  process.stderr.write(`${NAME}: ${text.trimEnd()}\n`);
};

async function main(): Promise<void> {
  process.title = NAME;
  const options = readOptions(process.argv.slice(2), process.env);
  const { model, host, port, threads } = options;
  let llama: Llama | undefined;
  const server = llamaHttp(model, () => llama);
  await new Promise<void>((listening, failed) => {
    server.once("error", failed).listen(port, host, listening);
  });
  say(`listening on ${host}:${port}`);
  try {
    const addon = await loadAddon(import.meta.dirname, say);
    llama = await Llama.load(addon, options);
    say(`loaded ${model}: context ${llama.contextSize}, threads ${threads}, ${addon.systemInfo()}`);
  } catch (error) {
    server.close();
    throw error;
  }
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
