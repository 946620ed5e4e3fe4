import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { greets } from "../../sandbox/ssh";
import type { Vm } from "../../sandbox/vm";

/** Within this sshd must greet, however hard the workloads press. */
const MILLISECONDS = 2000;

/** The same where the other suite's VM computes on the same processors. */
export const BESIDE_ANOTHER_VM = 3 * MILLISECONDS;

/** How long a new SSH connection with one command takes on the idle guest: the median of a few. */
async function idleMedian(vm: Vm, times = 5): Promise<number> {
  const measured: number[] = [];
  for (let i = 0; i < times; i++) measured.push(await freshCommand(vm));
  return measured.sort((a, b) => a - b)[Math.floor(times / 2)] ?? NaN;
}

/**
 * Measures the idle guest, then runs `load` and meanwhile looks, again and again, whether the host can be reached: sshd's banner within
 * `milliseconds`, a fresh SSH command within the larger of these and three times the idle median, and whatever `alsoHolds` looks at.
 * @returns what the load returned, and how often it was looked
 */
export async function reachableDuring<T>(
  vm: Vm,
  load: () => Promise<T>,
  alsoHolds: () => Promise<void> = () => Promise.resolve(),
  milliseconds = MILLISECONDS,
): Promise<{ result: T; looks: number }> {
  const bound = Math.max(milliseconds, 3 * (await idleMedian(vm)));
  const running = { load: true };
  const loading = load().finally(() => {
    running.load = false;
  });
  // Its error comes below; until then nobody awaits it.
  loading.catch(() => undefined);
  let looks = 0;
  do {
    const greeted = await greets(vm.state.sshPort, milliseconds);
    expect(greeted, `sshd's banner within ${milliseconds} ms`).toBe(true);
    expect(await freshCommand(vm), "milliseconds of a fresh SSH command").toBeLessThanOrEqual(bound);
    await alsoHolds();
    looks++;
    await sleep(100);
  } while (running.load);
  return { result: await loading, looks };
}

async function freshCommand(vm: Vm): Promise<number> {
  const started = performance.now();
  await vm.run("true", { fresh: true });
  return performance.now() - started;
}

/** The main processes of units: the same twice means that none ended in between. */
export const mainPids = (vm: Vm, units: readonly string[]): Promise<string> =>
  vm.run(`systemctl show -p Id,MainPID,NRestarts ${units.join(" ")}`);
