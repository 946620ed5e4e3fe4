import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { joinManager } from "../../components/manager/program";

/** The manager's functions without its last line, which would run it. */
const functions = joinManager().replace(/^main "\$@"; exit "\$STATUS"\n/m, "");

/** Where programs are put that a shell is to source: from its standard input it would read them byte by byte. */
const programs = mkdtempSync(join(tmpdir(), "goblin-host-programs-"));
afterAll(() => {
  rmSync(programs, { recursive: true, force: true });
});

/** A folder of its own for one test. */
export function inFolder<T>(action: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-manager-"));
  try {
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs bash text with the manager's functions loaded; its standard output. */
export function bash(text: string, folder = tmpdir()): string {
  return execFileSync("bash", ["-s"], run(functions, text, folder));
}

/** Reads a bundle's text as the host does, into `folder`/out. */
export function readBundle(text: string, folder: string): { status: number | null; stderr: string } {
  writeFileSync(join(folder, "bundle.yaml"), text);
  const { status, stderr } = spawnSync("bash", ["-s"], run(functions, "read_bundle bundle.yaml out", folder));
  return { status, stderr };
}

/**
 * Runs bash text with a store of its own in the folder, in which it starts; standard output.
 * @param constants of the manager's, with other values
 */
export function bashWithStore(text: string, folder: string, constants: Record<string, string> = {}): string {
  const values = { STATE: `${folder}/state`, RUN: `${folder}/run; mkdir -p "${folder}/run"`, ...constants };
  const local = Object.entries(values).reduce(
    (program, [name, value]) =>
      program.replace(new RegExp(`^readonly ${name}=\\S*`, "m"), `readonly ${name}=${value}`),
    functions,
  );
  return execFileSync("bash", ["-s"], run(local, `init_store\n${text}`, folder));
}

/** In a function, so that what it runs cannot read the rest. */
function run(program: string, text: string, cwd: string) {
  const file = join(programs, createHash("sha256").update(program).digest("hex"));
  writeFileSync(file, program);
  return {
    cwd,
    encoding: "utf8" as const,
    input: `. '${file}'\ntest_body() {\n${text}\n}\ntest_body </dev/null; exit\n`,
  };
}
