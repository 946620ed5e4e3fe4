import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A version of a bundle by its sections: entry, field, value; `content` of files and JSON is what they hold. */
export type Sections = Record<string, Record<string, Record<string, string>>>;

/** Writes a version as the host stores it; the text that loads it into the array (WAS, WANT) of its name. */
export function loadVersion(folder: string, array: string, sections: Sections): string {
  const at = join(folder, array);
  mkdirSync(join(at, "blobs"), { recursive: true });
  const lines: string[] = [];
  const add = (...fields: [string, string, string, string]): void => {
    lines.push(`${fields.join("\x1f")}\n`);
  };
  let blobs = 0;
  for (const [section, entries] of Object.entries(sections))
    for (const [entry, fields] of Object.entries(entries)) {
      if (fields[""] === undefined) add(section, entry, "", "");
      for (const [field, value] of Object.entries(fields)) {
        if (field !== "content") {
          add(section, entry, field, value);
          continue;
        }
        writeFileSync(join(at, "blobs", String(blobs)), value);
        add(section, entry, "blob", String(blobs++));
        if (section === "files")
          add(section, entry, "sha256", createHash("sha256").update(value).digest("hex"));
      }
    }
  writeFileSync(join(at, "index"), lines.join(""));
  return `load_index ${array} '${at}'\n`;
}

/**
 * Functions that stand in for the commands that change the disk: each call is a step, and the step FAIL_AT fails; a copy is
 * cut off behind its first byte, and with LIES=1 says nothing of that. run/steps has a line for each.
 */
const FAILING_COMMANDS = `
  FAIL_AT=0 LIES=
  step() {
    local -a taken=()
    [[ ! -e $RUN/steps ]] || mapfile -t taken <"$RUN/steps"
    echo "$*" >>"$RUN/steps"
    if ((\${#taken[@]} + 1 != FAIL_AT)); then command "$@"; return; fi
    if [[ $1 == cp ]]; then
      command "$@"
      [[ ! -f \${!#} || -L \${!#} ]] || truncate -s 1 -- "\${!#}"
      [[ -z $LIES ]] || return 0
    fi
    echo "$1 fails" >&2
    return 1
  }
  for name in cp mv rm rmdir sync chmod chown mkdir; do eval "$name() { step $name \\"\\$@\\"; }"; done
`;

/** The ways in which the steps of a run fail, each with the text that goes before the run. */
interface Failure {
  readonly name: string;
  readonly before: string;
}

/**
 * Calls `run` once with no failure, and then with a failure at each of its steps.
 * @param prepare before each run
 * @param lies copies that come out short, instead of commands that fail
 */
export function failAtEachStep(
  folder: string,
  lies: boolean,
  prepare: () => void,
  run: (failure: Failure) => void,
): number {
  const file = join(folder, "run/steps");
  const once = (at: number): string[] => {
    prepare();
    rmSync(file, { force: true });
    run({
      name: `step ${at}: ${steps[at - 1] ?? "none"}`,
      before: `${FAILING_COMMANDS} FAIL_AT=${at} LIES=${lies ? "1" : ""}\n`,
    });
    return readFileSync(file, "utf8").trim().split("\n");
  };
  let steps: string[] = [];
  steps = once(0);
  for (const [index, step] of steps.entries()) if (!lies || step.startsWith("cp ")) once(index + 1);
  return steps.length;
}
