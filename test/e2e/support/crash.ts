import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Vm } from "../../sandbox/vm";

const FOLDER = "/run/goblin-crash";

/** What a step of crash.sh did. */
export interface StepResult {
  readonly step: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly output: string;
}

/** Puts the scripts and the bundles' texts into the guest, outside everything that a fingerprint reads. */
export async function install(vm: Vm, texts: Readonly<Record<string, string>>): Promise<void> {
  await vm.run(`mkdir -p ${FOLDER}`);
  for (const name of ["crash.sh", "crash-trap.sh", "fail-trap.sh", "fingerprint.sh", "state.sh"]) {
    await vm.run(`cat >${FOLDER}/${name}`, {
      stdin: readFileSync(join(import.meta.dirname, name), "utf8"),
    });
  }
  for (const [version, text] of Object.entries(texts)) {
    await vm.run(`cat >${FOLDER}/${version}.yaml`, { stdin: text });
  }
}

/** Runs steps in the guest in one go; see crash.sh. */
export async function steps(vm: Vm, names: readonly string[]): Promise<StepResult[]> {
  const text = await vm.run(`bash ${FOLDER}/crash.sh ${names.join(" ")}`, { timeoutSeconds: 580 });
  return text
    .split(/^@@ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      const [step = "", status, milliseconds] = part.slice(0, end).split(" ");
      return {
        step,
        status: Number(status),
        milliseconds: Number(milliseconds),
        output: part.slice(end + 1),
      };
    });
}

/** The steps of the last counted run, in order: "external mv -T ..." or "write printf ...". */
export const stepLines = ({ output }: StepResult): string[] =>
  output.split("\n").filter((line) => line !== "");

/** First, last and what lies evenly between them; the one in the middle. */
export function sample(count: number, size: number): number[] {
  if (size === 1) return [Math.ceil(count / 2)];
  return Array.from({ length: size }, (_, index) => 1 + Math.round((index * (count - 1)) / (size - 1)));
}

/** External commands that only look, or that only a power cut would notice. */
const ONLY_LOOKS =
  /^external (exec )?(readlink|sha256sum|stat|sync|findmnt|dpkg-query|flock|systemctl (--\S+ )*(show|list-[a-z-]+|is-[a-z-]+)|systemd-analyze) /;

/**
 * The steps before which a kill comes after an external command, each state of the machine once: after a command that
 * only looks it is what it was before that. And the very first step.
 */
export function killPoints(lines: readonly string[]): number[] {
  const points = lines.length === 0 ? [] : [1];
  let changed = false;
  for (const [index, line] of lines.slice(0, -1).entries()) {
    changed ||= !ONLY_LOOKS.test(line);
    if (!changed || !line.startsWith("external ")) continue;
    points.push(index + 2);
    changed = false;
  }
  return points;
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
