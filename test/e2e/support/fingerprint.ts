import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Vm } from "../../sandbox/vm";

const script = (name: string): string => readFileSync(join(import.meta.dirname, name), "utf8");

/** Everything that a removal must give back, a line each; see fingerprint.sh. */
export async function fingerprint(vm: Vm): Promise<string[]> {
  const text = await vm.run("bash -s", { stdin: script("fingerprint.sh") });
  return text.split("\n").filter((line) => line !== "" && !REBUILT.test(line));
}

/**
 * What package scripts rebuild with the same meaning: backups of account files, caches of apt's helpers; and what dockerd
 * and containerd make when they first start.
 */
const REBUILT =
  /\/etc\/(passwd|group|shadow|gshadow)-$|\/etc\/docker\/key\.json$|\/etc\/cni(\/|$)|\/etc\/ld\.so\.cache$|\/var\/lib\/(logrotate|man-db|private|ucf)/;

/** Lines of one and not of the other, marked as diff(1) does; empty when nothing differs. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const was = new Set(before);
  const is = new Set(after);
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Equal twice means that nothing was touched in between; see activity.sh. */
export async function activity(vm: Vm): Promise<string> {
  return vm.run("bash -s", { stdin: script("activity.sh") });
}
