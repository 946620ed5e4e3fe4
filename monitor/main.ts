import { join } from "node:path";
import { collectOnce } from "./cli/collect";
import { EXIT, type ExitCode } from "./cli/exit-codes";
import { HELP } from "./cli/help";
import { type Options, parseOptions, UsageError } from "./cli/options";
import { readOutput } from "./cli/print";
import { serve } from "./cli/serve";
import { ConfigError } from "./config/check";
import { ConfigFile } from "./config/file";
import { errorText, readText } from "./host/files";
import { LockedError } from "./output/lock";
import { COLLECTED_FILE, parseCollected } from "./output/outputs";
import { VERSION } from "./version";

// Nobody is shown a stack, and a file that is not there is no reason to look at one: a fifth of a collection's time.
Error.stackTraceLimit = 0;

function warn(message: string): void {
  process.stderr.write(`${message.replace(/^/gm, "ai-resource-monitor: ")}\n`);
}

async function run({ mode, configFile, roots }: Options): Promise<ExitCode> {
  switch (mode) {
    case "help":
      process.stdout.write(HELP);
      return EXIT.ok;
    case "version":
      process.stdout.write(`ai-resource-monitor ${VERSION}\n`);
      return EXIT.ok;
    case "serve":
      await serve(new ConfigFile(configFile), roots, terminated(), warn);
      return EXIT.ok;
    case "collect": {
      const { hung } = await collectOnce(new ConfigFile(configFile).read(), roots, warn);
      // exit(3) waits for libuv's threads, and one of them waits for the mount: status 137 is told by --help.
      if (hung) process.kill(process.pid, "SIGKILL");
      const { unseen } = parseCollected(readText(join(roots.run, COLLECTED_FILE)) ?? "") ?? { unseen: [] };
      if (unseen.length === 0) return EXIT.ok;
      warn(unseenText(unseen));
      return EXIT.stale;
    }
    default: {
      const printed = readOutput(mode, roots);
      if ("text" in printed) {
        process.stdout.write(printed.text);
        if (printed.unseen.length === 0) return EXIT.ok;
        warn(unseenText(printed.unseen));
        return EXIT.stale;
      }
      warn(printed.stale);
      return EXIT.stale;
    }
  }
}

function unseenText(unseen: readonly string[]): string {
  return `not everything could be read: ${unseen.join(", ")}. --display and --json say why`;
}

function terminated(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}

async function main(): Promise<ExitCode> {
  try {
    return await run(parseOptions(process.argv.slice(2)));
  } catch (error) {
    warn(errorText(error));
    if (error instanceof UsageError) warn("--help tells what there is");
    if (error instanceof UsageError || error instanceof ConfigError) return EXIT.usage;
    return error instanceof LockedError ? EXIT.locked : EXIT.failed;
  }
}

void main().then((code) => {
  process.exitCode = code;
  // What is still in flight must not keep the process alive; what was printed must have gone out first.
  process.stdout.write("", () => process.exit(code));
});
