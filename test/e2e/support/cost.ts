import type { Vm } from "../../sandbox/vm";

const TRACING = "/sys/kernel/tracing";

/** What something cost a machine, as its kernel and its systemd count. */
export interface Cost {
  readonly seconds: number;
  /** And threads, of everything on the machine. */
  readonly processes: number;
  /** Runs of apt-get, simulations among them. */
  readonly aptRuns: number;
  /** Of systemd's manager, whoever asked for them. */
  readonly reloads: number;
}

/** What `action` costs the machine. */
export async function costOf(vm: Vm, action: () => Promise<unknown>): Promise<Cost> {
  await vm.run(
    `cd ${TRACING}
    echo 0 >tracing_on; echo >trace; echo 'filename ~ "*/apt-get"' >events/sched/sched_process_exec/filter
    echo 1 >events/sched/sched_process_exec/enable; echo 1 >tracing_on`,
  );
  const before = await counters(vm);
  const start = Date.now();
  await action();
  const seconds = (Date.now() - start) / 1000;
  const [processes, reloads] = (await counters(vm)).map((value, index) => value - (before[index] ?? 0));
  const aptRuns = await vm.run(
    `cd ${TRACING}; echo 0 >tracing_on; grep -c sched_process_exec: trace
    echo 0 >events/sched/sched_process_exec/enable; echo 0 >events/sched/sched_process_exec/filter`,
  );
  return { seconds, processes: processes ?? NaN, reloads: reloads ?? NaN, aptRuns: Number(aptRuns) };
}

async function counters(vm: Vm): Promise<number[]> {
  const text = await vm.run(
    `sed -n 's/^processes //p' /proc/stat; journalctl -b -q --no-pager _PID=1 -o cat -g '^Reloading' | wc -l`,
  );
  return text.trim().split("\n").map(Number);
}
