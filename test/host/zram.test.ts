import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSwapHost, type SwapHost } from "./swap-host";

const MiB = 1024 ** 2;

/** The kernel's device, which systemd's units set up as the generator's configuration says; FAILS holds what fails. */
const DEVICE = `
  FAILS= ALGORITHM=lz4
  sys=$BLOCK_DEVICES/zram0
  swap_line() { printf '/dev/zram0 partition %s 0 %s\\n' "$(($(<"$sys/disksize") / 1024 - 4))" "$1" >>"$SWAPS"; }
  sleep() { :; }
  try_kernel() {
    ANSWER=
    echo "kernel: \${1##*/} $2"
    [[ " $FAILS " != *" \${1##*/} "* ]] || return 0
    ANSWER=yes
    case \${1##*/} in
      reset) echo 0 >"$sys/disksize" ;;
      comp_algorithm) echo "lzo [$2]" >"$1" ;;
      mem_limit) [[ " $FAILS " == *" keeps "* ]] || echo "0 0 0 $2 0 0 0 0 0" >"$sys/mm_stat" ;;
      *) echo "$2" >"$1" ;;
    esac
  }
  mkswap() { echo "mkswap \${!#}" >&2; }
  swapon() { echo "swapon \${!#}"; swap_line "$2"; }
  swapoff() { echo "swapoff \${!#}"; [[ " $FAILS " != *' swapoff '* ]] || return 1; echo Filename >"$SWAPS"; }
  modprobe() { :; }
  stop_empty_slice() { :; }
  systemctl() {
    case $1 in
      show)
        if [[ $(<"$sys/disksize") != 0 ]]; then echo ActiveState=active; else echo ActiveState=inactive; fi
        return
        ;;
    esac
    echo "systemctl $1 \${!#}"
    [[ " $FAILS " != *" $1 "* ]] || return 1
    case $1\\ \${!#} in
      start*)
        echo $((64 * 1048576)) >"$sys/disksize"
        echo "lzo [$ALGORITHM]" >"$sys/comp_algorithm"
        echo "0 0 0 $((32 * 1048576)) 0 0 0 0 0" >"$sys/mm_stat"
        swap_line 100
        ;;
      stop*.swap) echo Filename >"$SWAPS" ;;
      stop*.service) echo 0 >"$sys/disksize" ;;
    esac
  }
`;

const OURS: Sections = {
  zram: {
    zram0: {
      size: String(64 * MiB),
      algorithm: "lz4",
      priority: "100",
      memoryLimit: String(32 * MiB),
      setting: "goblin-host:zram.size",
    },
  },
};

/** A host with a device; of no size unless it is `made`, and then on. */
const onZramHost = (made: boolean, action: (host: SwapHost) => void): void => {
  onSwapHost((host) => {
    mkdirSync(host.at("block/zram0"), { recursive: true });
    const write = (name: string, text: string): void => {
      writeFileSync(host.at(`block/zram0/${name}`), `${text}\n`);
    };
    write("disksize", made ? String(64 * MiB) : "0");
    write("comp_algorithm", "lzo [lz4]");
    write("mm_stat", `0 0 0 ${32 * MiB} 0 0 0 0 0`);
    write("reset", "");
    if (made) writeFileSync(host.at("swaps"), "Filename\n/dev/zram0 partition 65532 0 100\n");
    action(host);
  });
};

/** What an apply of the device's part says, with its status at the end. */
const converge = (host: SwapHost, was: Sections, want: Sections, before = ""): string[] =>
  host.run(
    was,
    want,
    `${DEVICE} ${before}
    all() { give_back_zram; change_zram; return_zram; }
    attempt all
    echo "status $STATUS"`,
  );

describe("zram", () => {
  it("is made by the generator's units, and left alone when it is as declared", () => {
    onZramHost(false, (host) => {
      expect(converge(host, {}, OURS)).toEqual(["systemctl start dev-zram0.swap", "  zram0: on", "status 0"]);
      expect(converge(host, OURS, OURS)).toEqual(["status 0"]);
      expect(converge(host, OURS, OURS, "swapoff -- /dev/zram0")).toEqual([
        "swapoff /dev/zram0",
        "systemctl stop systemd-zram-setup@zram0.service",
        "systemctl start dev-zram0.swap",
        "  zram0: on",
        "status 0",
      ]);
    });
  });

  it("gets its memory limit live, and the kernel's word for it", () => {
    onZramHost(true, (host) => {
      writeFileSync(host.at("block/zram0/mm_stat"), "0 0 0 4096 0 0 0 0 0\n");
      expect(converge(host, OURS, OURS, "FAILS=keeps")).toEqual([
        `kernel: mem_limit ${32 * MiB}`,
        `error: bundle swap: zram0 has the memory limit 4096 after ${32 * MiB} was written`,
        "status 1",
      ]);
      expect(converge(host, OURS, OURS, "FAILS=mem_limit").at(-1)).toBe("status 1");
      expect(converge(host, OURS, OURS)).toEqual([
        `kernel: mem_limit ${32 * MiB}`,
        "  zram0: memory limit set",
        "status 0",
      ]);
    });
  });

  it("with an algorithm that the kernel has replaced by another is not on as declared", () => {
    onZramHost(false, (host) => {
      expect(converge(host, {}, OURS, "ALGORITHM=lzo-rle")).toEqual([
        "systemctl start dev-zram0.swap",
        "error: bundle swap: zram0 was made anew and has algorithm lzo-rle, which is not as declared",
        "status 1",
      ]);
    });
  });

  it("waits for no unit while the host boots", () => {
    onZramHost(true, (host) => {
      writeFileSync(host.at("block/zram0/comp_algorithm"), "[lzo] lz4\n");
      expect(converge(host, OURS, OURS, "BOOTING=1")).toEqual([
        "swapoff /dev/zram0",
        "kernel: reset 1",
        "kernel: comp_algorithm lz4",
        `kernel: disksize ${64 * MiB}`,
        `kernel: mem_limit ${32 * MiB}`,
        "mkswap /dev/zram0",
        "swapon /dev/zram0",
        "  zram0: on",
        "status 0",
      ]);
      expect(converge(host, OURS, {}, "BOOTING=1")).toEqual([
        "swapoff /dev/zram0",
        "kernel: reset 1",
        "  zram0: off",
        "status 0",
      ]);
    });
  });

  it("is off only when the kernel says so", () => {
    onZramHost(false, (host) => {
      converge(host, {}, OURS);
      const failing = (fails: string): string[] => converge(host, OURS, {}, `FAILS="${fails}"`).slice(-2);
      expect(failing("stop swapoff")).toEqual(["error: bundle swap: swapoff /dev/zram0 failed", "status 1"]);
      // systemd alone cannot, but the kernel does; then the unit that made it stays.
      expect(failing("stop")).toEqual([
        "error: bundle swap: systemd-zram-setup@zram0.service cannot be stopped",
        "status 1",
      ]);
      expect(host.list("originals")).toEqual(["zram%zram0"]);
      // An unfinished removal that is applied again ends with it on.
      expect(converge(host, OURS, OURS).at(-2)).toBe("  zram0: on");
      expect(readFileSync(host.at("swaps"), "utf8")).toContain("/dev/zram0");
      expect(converge(host, OURS, {}, "BOOTING=1 FAILS=reset").at(-1)).toBe("status 1");
      expect(converge(host, OURS, {}).slice(-2)).toEqual(["  zram0: off", "status 0"]);
      expect(host.list("originals")).toEqual([]);
    });
  });

  it("that something starts while its files go is off again after the reload", () => {
    onZramHost(false, (host) => {
      converge(host, {}, OURS);
      const off = ["systemctl stop dev-zram0.swap", "systemctl stop systemd-zram-setup@zram0.service"];
      expect(converge(host, OURS, {}, "change_zram() { systemctl start dev-zram0.swap; }")).toEqual([
        ...off,
        "systemctl start dev-zram0.swap",
        ...off,
        "  zram0: off",
        "status 0",
      ]);
    });
  });

  it("of somebody else is left alone, swap or not", () => {
    onZramHost(true, (host) => {
      const problems = (before: string): string[] =>
        host.run({}, OURS, `${DEVICE} ${before}\npreflight_zram; printf '%s\\n' "\${PROBLEMS[@]}"`);
      expect(problems("")).toEqual([
        "/dev/zram0 is in use by something this project does not know. Switch it off (swapoff /dev/zram0; zramctl --reset /dev/zram0), then run this again",
      ]);
      expect(problems("SEEN_SWAP=()")).toHaveLength(1);
      expect(problems('SEEN_UNIT["zramswap.service|ActiveState"]=active')).toEqual([]);
      writeFileSync(host.at("block/zram0/disksize"), "0\n");
      expect(problems("SEEN_SWAP=()")).toEqual([]);
    });
  });
});
