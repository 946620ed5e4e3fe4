import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** The program that runs on the host, joined into one file. */
export interface ManagerProgram {
  readonly version: string;
  readonly text: string;
}

/** host/ lies beside components/ in a checkout, and beside the compiled components in the package. */
const HOST_FOLDER = join(__dirname, "..", "..", "host");

let program: ManagerProgram | undefined;

/** Reads the parts of host/ in the order of host/PARTS, once per run. */
export function managerProgram(): ManagerProgram {
  program ??= readProgram(HOST_FOLDER);
  return program;
}

/** The parts of host/ as the one file that they are on a host. */
export function joinManager(folder: string = HOST_FOLDER): string {
  const parts = readFileSync(join(folder, "PARTS"), "utf8").split("\n");
  return parts
    .filter((part) => part !== "")
    .map((part) => partText(part, readFileSync(join(folder, part), "utf8")))
    .join("");
}

/** A jq program is a constant of the manager, named after its file: json-plan.jq is JSON_PLAN_PROGRAM. */
function partText(part: string, text: string): string {
  if (!part.endsWith(".jq")) return text;
  if (text.includes("'")) throw new Error(`${part} holds a single quote, which would end it in the shell`);
  const name = `${basename(part, ".jq").toUpperCase().replaceAll("-", "_")}_PROGRAM`;
  return `# shellcheck disable=SC2016 # the variables are jq's\nreadonly ${name}='\n${text}'\n`;
}

function readProgram(folder: string): ManagerProgram {
  const text = joinManager(folder);
  const version = /^VERSION=([0-9]+\.[0-9]+\.[0-9]+)$/m.exec(text)?.[1];
  if (version === undefined) throw new Error(`${folder} holds no line VERSION=X.Y.Z`);
  return { version, text };
}
