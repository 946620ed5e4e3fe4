import type { Vm } from "../../sandbox/vm";

const TRACING = "/sys/kernel/tracing";

/** How many processes (and threads) a command line in the guest starts, its children's children included; the kernel counts. */
export async function processesOf(vm: Vm, command: string): Promise<number> {
  const count = await vm.run(
    `cd ${TRACING}
    echo 0 >tracing_on; echo >trace; echo 1 >options/event-fork; echo 1 >events/sched/sched_process_fork/enable
    echo $BASHPID >set_event_pid; echo 1 >tracing_on
    ${command}
    echo 0 >tracing_on; echo 0 >events/sched/sched_process_fork/enable; echo >set_event_pid
    grep -c sched_process_fork: trace`,
  );
  return Number(count.trim().split("\n").at(-1));
}
