import { setTimeout as sleep } from "node:timers/promises";
import { MANAGER } from "../host-bundle/commands";
import { SshError } from "../ssh/failure";
import { runSsh, type SshResult } from "../ssh/run";
import type { SshTarget } from "../ssh/target";
import { type HostStatus, parseAnswer, preambleOf } from "./status";

/** What one look at a host came to. */
export type Observation =
  | { readonly kind: "status"; readonly status: HostStatus; readonly preamble?: string }
  /** A host without a manager. */
  | { readonly kind: "absent"; readonly boot: string; readonly preamble?: string }
  /** Nobody knows, and it is neither drift nor a proof of its absence. */
  | { readonly kind: "unknown"; readonly reason: string };

/** It works in every login shell, and on a host that nobody has touched yet. */
export const OBSERVE_COMMAND =
  `sh -c 'if [ -x ${MANAGER} ]; then exec ${MANAGER} status --json; fi; ` +
  `read -r boot </proc/sys/kernel/random/boot_id; echo "{\\"absent\\":true,\\"boot\\":\\"$boot\\"}"'`;

/** For the connection and every answer together: a loaded host takes its time, and a preview must end. */
const TIME_LIMIT_MS = 60_000;
const RETRY_AFTER_MS = 2_000;
const LONGEST_PAUSE_MS = 10_000;
const ATTEMPTS = 2;

/**
 * Looks at one host, changing nothing: over one connection, and another one each time that a run is changing it.
 * @throws SshError `isRefused`, which is never a matter of patience
 */
export async function observe(target: SshTarget, timeLimitMs = TIME_LIMIT_MS): Promise<Observation> {
  const deadline = Date.now() + timeLimitMs;
  try {
    return await ask(target, deadline);
  } catch (error) {
    if (error instanceof SshError && error.isRefused) throw error;
    return { kind: "unknown", reason: (error as Error).message };
  }
}

/** A run that changes the host just now usually ends soon. Each look is a login, of which a firewall may allow few. */
async function ask(target: SshTarget, deadline: number): Promise<Observation> {
  for (let pause = RETRY_AFTER_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const { code, stdout, stderr } = await look(target, deadline);
    if (code !== 0) {
      const said = stderr.trim().split("\n").at(-1) ?? "";
      return { kind: "unknown", reason: `ai-resource-manager status ended with ${code}: ${said}` };
    }
    const answer = parseAnswer(stdout);
    const text = preambleOf(stdout);
    const preamble = text === "" ? {} : { preamble: text };
    if ("absent" in answer) return { kind: "absent", boot: answer.boot, ...preamble };
    if (!answer.busy) return { kind: "status", status: answer, ...preamble };
    if (Date.now() + pause > deadline) return { kind: "unknown", reason: "another run is changing the host" };
    await sleep(pause);
  }
}

/** A refused login is not tried again: the host may count them. */
async function look(target: SshTarget, deadline: number): Promise<SshResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runSsh(target, OBSERVE_COMMAND, deadline);
    } catch (error) {
      const refused = error instanceof SshError && error.isRefused;
      if (refused || attempt === ATTEMPTS || Date.now() + RETRY_AFTER_MS > deadline) throw error;
    }
    await sleep(RETRY_AFTER_MS);
  }
}
