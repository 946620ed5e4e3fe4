import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Vm } from "../../sandbox/vm";

const ANSWER = "/run/pattern.answer";

const CONDITION = "/run/systemd/system/dev-zram0.swap.d/off.conf";

/** Switches zram off, against the start of any unit: that pulls swap.target in, which would start it again. */
export const ZRAM_OFF =
  `mkdir -p ${dirname(CONDITION)}; printf '[Unit]\\nConditionPathExists=/nonexistent\\n' >${CONDITION};` +
  "systemctl daemon-reload; systemctl stop dev-zram0.swap";
export const ZRAM_ON = `rm ${CONDITION}; systemctl daemon-reload; systemctl start dev-zram0.swap`;

/** Swap in use that nobody may lose: a service at its memory limit, whose pages lie in a swap file. */
export class Pattern {
  private constructor(
    private readonly vm: Vm,
    private readonly started: string,
  ) {}

  /**
   * Starts the service, and returns when it holds `mib` MiB, at most 48 of them in memory and none in zram.
   * @param zram whether the machine has zram, which is off meanwhile
   */
  static async start(vm: Vm, mib: number, { zram = true } = {}): Promise<Pattern> {
    const script = readFileSync(join(import.meta.dirname, "pattern.pl"), "utf8");
    await vm.run("cat >/run/pattern.pl", { stdin: script });
    await vm.run(
      `rm -f ${ANSWER}; ${zram ? ZRAM_OFF : "true"};` +
        "systemd-run --quiet --unit=pattern -p MemoryMax=48M -p MemorySwapMax=infinity -p OOMScoreAdjust=-900 " +
        `perl /run/pattern.pl ${mib} ${ANSWER};` +
        `until [ -e ${ANSWER} ]; do systemctl is-active --quiet pattern || exit 1; sleep 0.3; done;` +
        (zram ? ZRAM_ON : "true"),
    );
    return new Pattern(vm, await started(vm));
  }

  /** Reads every page: throws unless each is what it was, in the process that it was in. */
  async expectIntact(): Promise<void> {
    const answer = await this.vm.run(
      `rm -f ${ANSWER}; systemctl kill --signal=USR1 pattern;` +
        `until [ -e ${ANSWER} ]; do systemctl is-active --quiet pattern || exit 1; sleep 0.3; done; cat ${ANSWER};` +
        "grep -h '^oom_kill ' /sys/fs/cgroup/system.slice/pattern.service/memory.events",
    );
    if (!/^intact \d+\noom_kill 0\n$/.test(answer)) throw new Error(`the pattern: ${answer}`);
    if ((await started(this.vm)) !== this.started) throw new Error("the pattern's process was started anew");
  }
}

const started = (vm: Vm): Promise<string> =>
  vm.run("systemctl show -p MainPID,ExecMainStartTimestampMonotonic,NRestarts pattern");
