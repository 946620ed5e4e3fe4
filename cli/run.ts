import { styleText } from "node:util";
import { Command } from "commander";
import { CliError } from "./stack-file";

export interface StackOptions {
  readonly stack: string;
  readonly folder: string;
  readonly json?: boolean;
}

/** Exit codes, those of `pulumi preview --expect-no-changes` where they mean the same. */
export const EXIT = { inSync: 0, error: 1, drift: 7 } as const;

/** Runs a command about one stack; an error of the user's is told without a stack trace. */
export async function runCommand(
  name: string,
  description: string,
  action: (options: StackOptions) => Promise<number>,
): Promise<void> {
  const command = new Command(name)
    .description(description)
    .requiredOption("--stack <name>", "the stack, whose Pulumi.NAME.yaml is read")
    .option("--folder <path>", "where that file is", process.cwd())
    .option("--json", "for programs")
    .action(async (options: StackOptions) => {
      process.exitCode = await action(options);
    });
  try {
    await command.parseAsync();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`error: ${error.message.trimEnd()}\n`);
    process.exitCode = EXIT.error;
  }
}

/** Colour only where a terminal shows it. */
export function colour(name: "red" | "green" | "yellow" | "bold" | "dim", text: string): string {
  return styleText(name, text, { stream: process.stdout });
}
