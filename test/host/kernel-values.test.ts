import { mkdirSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE: Sections = {};
const both = (host: SystemdHost, was: Sections, want: Sections, what: string, before = ""): string[] =>
  host.attempt(was, want, `give_back_${what}; change_${what}`, before);

/** What the kernel makes of a value, or that it refuses it. */
const KERNEL = (text: string): string => `write_kernel() { ${text}; }`;

describe("a sysctl", () => {
  const SWAPPINESS: Sections = { sysctls: { "vm.swappiness": { "": "10" } } };
  const file = "sysctls/vm/swappiness";

  it("is set and given back", () => {
    onSystemdHost((host) => {
      host.write(file, "60\n");
      expect(both(host, NONE, SWAPPINESS, "sysctls")).toEqual(["  set vm.swappiness to 10", "status 0"]);
      expect(host.read(file)).toBe("10");
      expect(both(host, SWAPPINESS, SWAPPINESS, "sysctls")).toEqual(["status 0"]);
      expect(both(host, SWAPPINESS, NONE, "sysctls")).toEqual(["status 0"]);
      expect(host.read(file)).toBe("60");
      expect(host.list("originals")).toEqual([]);
    });
  });

  it("that the kernel refuses, or makes another value of, ends the run; the original stays", () => {
    onSystemdHost((host) => {
      host.write(file, "60\n");
      expect(
        both(host, NONE, SWAPPINESS, "sysctls", KERNEL('fail "the kernel does not take \\"$2\\""')),
      ).toEqual(['error: bundle app: the kernel does not take "10"', "status 1"]);
      expect(both(host, NONE, SWAPPINESS, "sysctls", KERNEL('echo 11 >"$1"'))).toEqual([
        "error: bundle app: vm.swappiness is 11 after 10 was written to it",
        "status 1",
      ]);
      expect(both(host, SWAPPINESS, NONE, "sysctls", KERNEL(":"))).toEqual([
        "error: bundle app: vm.swappiness is 11 after 60 was written to it",
        "status 1",
      ]);
      expect(host.list("originals")).toEqual(["sysctls%vm.swappiness"]);
    });
  });

  it("of several values comes back with all of them", () => {
    onSystemdHost((host) => {
      const want: Sections = { sysctls: { "net.ipv4.tcp_rmem": { "": "1 2 3" } } };
      host.write("sysctls/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
      expect(both(host, NONE, want, "sysctls")).toEqual(["  set net.ipv4.tcp_rmem to 1 2 3", "status 0"]);
      expect(both(host, want, NONE, "sysctls")).toEqual(["status 0"]);
      expect(host.read("sysctls/net/ipv4/tcp_rmem")).toBe("4096 131072 6291456");
      // As version 1.0 recorded it.
      const before =
        "record_original sysctls net.ipv4.tcp_rmem $'4096\\t131072\\t6291456'; echo 1 2 3 >sysctls/net/ipv4/tcp_rmem";
      expect(both(host, want, NONE, "sysctls", before)).toEqual(["status 0"]);
      expect(host.read("sysctls/net/ipv4/tcp_rmem")).toBe("4096 131072 6291456");
    });
  });

  it("that the kernel does not have any more is forgotten, and one that it lacks is refused beforehand", () => {
    onSystemdHost((host) => {
      expect(both(host, SWAPPINESS, NONE, "sysctls", "record_original sysctls vm.swappiness 60")).toEqual([
        "status 0",
      ]);
      expect(host.list("originals")).toEqual([]);
      expect(host.run(NONE, SWAPPINESS, 'preflight_sysctls; echo "${PROBLEMS[*]}"')).toEqual([
        "this kernel has no sysctl vm.swappiness",
      ]);
      host.write(file, "60\n");
      expect(host.run(NONE, SWAPPINESS, "drift sysctl")).toEqual([
        "drift vm.swappiness|sysctl|10||60|changed at run time",
      ]);
    });
  });
});

/** A disk with a partition that holds everything but /run. */
function withDisk(host: SystemdHost): void {
  host.write(
    "mountinfo",
    "20 1 254:1 / / rw - ext4 /dev/vda1 rw\n21 20 0:22 / /run rw - tmpfs tmpfs rw\n22 20 254:17 / /srv/my\\040models rw - ext4 /dev/vdb1 rw\n23 20 104:1 / /mnt rw - ext4 /dev/cciss/c0d0p1 rw\n24 20 8:1 / /gone rw - ext4 /dev/sda1 rw\n",
  );
  for (const [disk, number, partition, partitionNumber] of [
    ["vda", "254:0", "vda1", "254:1"],
    ["vdb", "254:16", "vdb1", "254:17"],
    // As it is called below /dev and below /sys.
    ["cciss!c0d0", "104:0", "cciss!c0d0p1", "104:1"],
  ] as const) {
    const add = (folder: string, name: string, at: string): void => {
      host.write(`${folder}/dev`, `${at}\n`);
      host.write(`${folder}/uevent`, `MAJOR=1\nDEVNAME=${name.replaceAll("!", "/")}\nDEVTYPE=disk\n`);
      mkdirSync(host.at("numbers"), { recursive: true });
      symlinkSync(host.at(folder), host.at(`numbers/${at}`));
    };
    add(`block/${disk}`, disk, number);
    add(`block/${disk}/${partition}`, partition, partitionNumber);
    host.write(`block/${disk}/${partition}/partition`, "1\n");
  }
}

describe("the disk of a path", () => {
  it("is the whole one that holds its filesystem, and none for a path that is on none", () => {
    onSystemdHost((host) => {
      withDisk(host);
      const text =
        'for path in /srv "/srv/my models/a" /srv/mymodels /run/x /mnt/a /gone; do disk_of "$path"; echo "[$DISK ${DISK_LAYERS##* }]"; done';
      expect(host.run(NONE, NONE, text)).toEqual([
        "[vda 254:0]",
        "[vdb 254:16]",
        "[vda 254:0]",
        "[ ]",
        "[cciss!c0d0 104:0]",
        "[ ]",
      ]);
    });
  });

  it("is found below what systemd follows: a mapped device, an encrypted one, a partition; and not below several", () => {
    onSystemdHost((host) => {
      withDisk(host);
      const add = (name: string, at: string, ...below: string[]): void => {
        host.write(`block/${name}/dev`, `${at}\n`);
        host.write(`block/${name}/uevent`, `DEVNAME=${name}\n`);
        mkdirSync(host.at(`block/${name}/slaves`), { recursive: true });
        symlinkSync(host.at(`block/${name}`), host.at(`numbers/${at}`));
        for (const path of below)
          symlinkSync(host.at(`block/${path}`), host.at(`block/${name}/slaves/${path.replaceAll("/", "-")}`));
      };
      add("dm-0", "253:0", "vdb/vdb1");
      add("dm-1", "253:1", "dm-0");
      add("md0", "9:0", "vda/vda1", "vdb/vdb1");
      add("dm-2", "253:2", "md0");
      const mounted = (number: string): string[] => {
        host.write("mountinfo", `20 1 ${number} / / rw - ext4 /dev/x rw\n`);
        return host.run(NONE, NONE, 'DISK_OF=(); disk_of /srv; echo "$DISK|$DISK_BELOW|$DISK_LAYERS"');
      };
      expect(mounted("254:17")).toEqual(["vdb|vdb|254:17 254:16"]);
      expect(mounted("253:1")).toEqual(["dm-1|vdb|253:1 253:0 254:17 254:16"]);
      expect(mounted("253:2")).toEqual(["dm-2|md0|253:2 9:0"]);
    });
  });

  it("weighs IO where one has BFQ, or iocost is on", () => {
    onSystemdHost((host) => {
      withDisk(host);
      const weighing = (): string[] => host.run(NONE, NONE, "find_weighing; echo $WEIGHED_BY");
      expect(weighing()).toEqual(["none"]);
      host.write("cgroups/io.cost.qos", "254:0 enable=1 ctrl=auto\n");
      expect(weighing()).toEqual(["iocost"]);
      host.write("block/vda/queue/scheduler", "none mq-deadline\n");
      host.write("block/vdb/queue/scheduler", "none [bfq]\n");
      expect(weighing()).toEqual(["bfq"]);
    });
  });
});

describe("a disk's scheduler", () => {
  const BFQ: Sections = { ioSchedulers: { "/srv": { "": "bfq" } } };
  const file = "block/vda/queue/scheduler";
  /** The kernel shows what it took in brackets. */
  const takes =
    'eval "real_$(declare -f scheduler_of)"; scheduler_of() { local now; now=$(<block/vda/queue/scheduler); [[ $now == *\\[* ]] || echo "none mq-deadline bfq" | sed "s/$now/[$now]/" >block/vda/queue/scheduler; real_scheduler_of "$1"; }';

  it("is chosen and given back", () => {
    onSystemdHost((host) => {
      withDisk(host);
      host.write(file, "[none] mq-deadline bfq\n");
      expect(host.run(NONE, BFQ, "drift scheduler")).toEqual([
        "drift vda|scheduler|bfq||none|another IO scheduler is selected",
      ]);
      expect(both(host, NONE, BFQ, "schedulers", takes)).toEqual(["  vda: IO scheduler bfq", "status 0"]);
      expect(host.run(NONE, BFQ, "drift scheduler")).toEqual([]);
      expect(both(host, BFQ, NONE, "schedulers", takes)).toEqual(["status 0"]);
      expect(host.read(file)).toBe("[none] mq-deadline bfq");
      expect(host.list("originals")).toEqual([]);
    });
  });

  it("that the kernel does not have is told, and is neither drift nor a failure", () => {
    onSystemdHost((host) => {
      withDisk(host);
      host.write(file, "[none] mq-deadline\n");
      const refuses =
        "printf() { builtin printf \"$@\"; if [[ $2 == bfq ]]; then echo '[none] mq-deadline' >block/vda/queue/scheduler; return 1; fi; }";
      expect(both(host, NONE, BFQ, "schedulers", refuses).slice(-2)).toEqual([
        "warning: this kernel has no IO scheduler bfq: IO weights on vda are inert",
        "status 0",
      ]);
      host.write(file, "[none] mq-deadline\n");
      expect(host.run(NONE, BFQ, "drift scheduler")).toEqual([]);
    });
  });

  it("is nothing to a path without a disk", () => {
    onSystemdHost((host) => {
      withDisk(host);
      const tmpfs: Sections = { ioSchedulers: { "/run/models": { "": "bfq" } } };
      expect(both(host, NONE, tmpfs, "schedulers")).toEqual(["status 0"]);
      expect(host.run(NONE, tmpfs, "drift scheduler")).toEqual([]);
    });
  });
});

describe("a disk's read-ahead", () => {
  const AHEAD: Sections = { readAhead: { "/srv": { kib: "4096", setting: "goblin-host:models.readAhead" } } };
  const file = "block/vda/queue/read_ahead_kb";

  it("is set and given back", () => {
    onSystemdHost((host) => {
      withDisk(host);
      host.write(file, "128\n");
      expect(host.run(NONE, AHEAD, "drift read_ahead")).toEqual([
        "drift vda|readAhead|4096 KiB||128 KiB|changed at run time",
      ]);
      expect(both(host, NONE, AHEAD, "read_ahead")).toEqual(["  vda: read-ahead 4096 KiB", "status 0"]);
      expect(host.run(NONE, AHEAD, "drift read_ahead; preflight_read_ahead; echo ${#PROBLEMS[@]}")).toEqual([
        "0",
      ]);
      expect(both(host, AHEAD, NONE, "read_ahead")).toEqual(["status 0"]);
      expect(host.read(file)).toBe("128");
    });
  });

  it("that the kernel makes another of ends the run, with the original kept", () => {
    onSystemdHost((host) => {
      withDisk(host);
      host.write(file, "128\n");
      expect(both(host, NONE, AHEAD, "read_ahead", KERNEL('echo 4032 >"$1"'))).toEqual([
        "error: bundle app: vda has a read-ahead of 4032 KiB after 4096 was written",
        "status 1",
      ]);
      expect(both(host, AHEAD, NONE, "read_ahead", KERNEL(":"))).toEqual([
        "error: bundle app: vda has a read-ahead of 4032 KiB after 128 was written",
        "status 1",
      ]);
      expect(host.list("originals")).toEqual(["readAhead%%2Fsrv"]);
    });
  });

  it("of a path that is on no disk is refused beforehand, and drift later", () => {
    onSystemdHost((host) => {
      withDisk(host);
      const tmpfs: Sections = {
        readAhead: { "/run": { kib: "4096", setting: "goblin-host:models.readAhead" } },
      };
      expect(host.run(NONE, tmpfs, 'drift read_ahead; preflight_read_ahead; echo "${PROBLEMS[*]}"')).toEqual([
        "drift /run|readAhead|4096 KiB||no disk|its filesystem is on no disk of this host",
        expect.stringMatching(
          /^goblin-host:models\.readAhead: \/run is on \S+ \(mounted at \S+\), which has no disk/,
        ),
      ]);
    });
  });
});
