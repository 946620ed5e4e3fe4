import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadVersion } from "./loaded";
import { bash, bashWithStore, inFolder } from "./manager";

/** Each of the calls, with what it leaves in REPLY. */
const replies = (calls: readonly string[], weighedBy = "none"): string[] =>
  bash(`PAGE_SIZE=4096 WEIGHED_BY=${weighedBy}\n${calls.map((call) => `${call}; echo "$REPLY"`).join("\n")}`)
    .trimEnd()
    .split("\n");

describe("the table of limits", () => {
  it("maps what is declared to what the kernel's files hold", () => {
    expect(
      replies(
        [
          "limit_row CPUQuota; kernel_value 150%",
          "limit_row CPUQuota; kernel_value infinity",
          "limit_row CPUQuota; kernel_value 150% '1000 20000'",
          "limit_row CPUQuota; kernel_value infinity '1000 20000'",
          "limit_row CPUQuota; kernel_value 33% '1 12345'",
          "limit_row IOWeight; kernel_value 80",
          "limit_row IOWeight; kernel_value 10000",
          "limit_row IOWeight; kernel_value 1000",
          "limit_row CPUWeight; kernel_value 1000",
          "limit_row MemoryMax; kernel_value infinity",
          "limit_row MemoryMax; kernel_value 1073741824",
          "limit_row MemoryMax; kernel_value 1073741825",
          "limit_row TasksMax; kernel_value infinity",
          "limit_row AllowedCPUs; kernel_value 0,1,2",
          "limit_row CPUAffinity; kernel_value 0-1,2",
          "limit_row OOMScoreAdjust; kernel_value -500",
          "limit_row IOReadBandwidthMax; kernel_value '/srv/models 1048576'",
          "limit_row IOWeight; REPLY=$KERNEL_FILE",
        ],
        "bfq",
      ),
    ).toEqual([
      "150000 100000",
      "max 100000",
      "30000 20000",
      "max 20000",
      "4073 12345",
      "default 80",
      "default 1000",
      "default 181",
      "1000",
      "max",
      "1073741824",
      "1073741824",
      "max",
      "0-2",
      "0-2",
      "-500",
      "1048576",
      "io.bfq.weight",
    ]);
    expect(
      replies(["limit_row IOWeight; kernel_value 1000", "limit_row IOWeight; REPLY=$KERNEL_FILE"], "iocost"),
    ).toEqual(["default 1000", "io.weight"]);
  });

  it("spells what systemd and the kernel say as it is declared", () => {
    const spellings: [property: string, value: string, declared: string][] = [
      ["CPUQuota", "1.5s", "150%"],
      ["CPUQuota", "1.509s", "1509000 us"],
      ["CPUQuota", "infinity", "infinity"],
      ["CPUQuota", "150%", "150%"],
      ["CPUQuota", "150000 100000", "150%"],
      ["CPUQuota", "375000 250000", "150%"],
      ["CPUQuota", "4073 12345", "33%"],
      ["CPUQuota", "150400 100000", "150400 100000"],
      ["CPUQuota", "max 250000", "infinity"],
      ["MemoryMax", "18446744073709551615", "infinity"],
      ["MemoryMax", "max", "infinity"],
      ["MemoryHigh", "1073741825", "1073741824"],
      ["TasksMax", "max", "infinity"],
      ["CPUWeight", "[not set]", "100"],
      ["IOWeight", "default 80", "80"],
      ["AllowedCPUs", "0-1 2 5", "0-2,5"],
      ["OOMScoreAdjust", "0", "0"],
      ["GPUs", "0,1", "0,1"],
    ];
    expect(
      replies(spellings.map(([property, value]) => `limit_row ${property}; canonical '${value}'`)),
    ).toEqual(spellings.map(([, , declared]) => declared));
    expect(
      replies([
        "limit_row MemoryMax; readable 8589934592",
        "limit_row MemoryMax; readable max",
        "limit_row CPUQuota; readable '50000 25000'",
      ]),
    ).toEqual(["8 GiB", "infinity", "200%"]);
    // Where a page is larger.
    expect(replies(["PAGE_SIZE=65536; limit_row MemoryMax; canonical 1073745920"])).toEqual(["1073741824"]);
  });
});

/** What systemd has loaded of a unit that runs as process 42. */
const LOADED = `
  SEEN_UNIT=(["a.service|LoadState"]=loaded ["a.service|ActiveState"]=active ["a.service|ControlGroup"]=/ai.slice/a.service
    ["a.service|MainPID"]=42 ["a.service|MemoryMax"]=1073741824 ["a.service|MemoryLow"]=4096 ["a.service|CPUQuotaPerSecUSec"]=2s
    ["a.service|AllowedCPUs"]='0-1' ["a.service|OOMScoreAdjust"]=-500 ["a.service|CPUAffinity"]='0-1'
    ["a.service|IOReadBandwidthMax"]='/srv 1048576' ["a.service|DropInPaths"]='')
  find_weighing() { WEIGHED_BY=none; }
  disk_of() { DISK=dm-1 DISK_BELOW=vda DISK_LAYERS='253:1 254:2 254:0'; }
`;

const DECLARED = {
  MemoryMax: "1073741824",
  MemoryLow: "4096",
  CPUQuota: "200%",
  AllowedCPUs: "0-1",
  OOMScoreAdjust: "-500",
  CPUAffinity: "0-1",
  IOReadBandwidthMax: "/srv 1048576",
};

/** A cgroup whose kernel has what is declared. */
class Cgroup {
  constructor(readonly folder: string) {
    mkdirSync(join(folder, "cgroups/ai.slice/a.service"), { recursive: true });
    mkdirSync(join(folder, "processes/42"), { recursive: true });
    this.set("memory.max", "1073741824");
    this.set("memory.low", "4096");
    this.set("../memory.low", "4096");
    this.set("cpu.max", "200000 100000");
    this.set("cpuset.cpus.effective", "0-1");
    this.set("io.max", "8:0 rbps=5 wbps=max\n254:0 rbps=1048576 wbps=max riops=max wiops=max");
    writeFileSync(join(folder, "processes/42/oom_score_adj"), "-500\n");
    writeFileSync(join(folder, "processes/42/status"), "Name:\ta\nCpus_allowed_list:\t0-1\n");
  }

  set(file: string, text: string): void {
    writeFileSync(join(this.folder, "cgroups/ai.slice/a.service", file), `${text}\n`);
  }

  run(text: string): string[] {
    return bashWithStore(
      `exec 2>&1\nNAME=app\n${loadVersion(this.folder, "WANT", { limits: { "a.service": DECLARED } })}${LOADED}${text}`,
      this.folder,
      { CGROUPS: `${this.folder}/cgroups`, PROCESSES: `${this.folder}/processes` },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(`${this.folder}/`, ""));
  }

  /** The findings, without the bundle and the unit, and every verdict but "enforced". */
  drift(before = ""): string[] {
    const lines = this.run(
      `${before}\nfind_limit_drift; printf '%s\\n' "\${FINDINGS[@]}"; printf 'verdict\\t%s\\n' "\${LIMITS[@]}"`,
    );
    return lines
      .filter((line) => !line.endsWith("\tenforced\t"))
      .map((line) => line.replace(/app\ta\.service\t/, "").replaceAll("\t", "|"));
  }

  write(before = ""): string[] {
    return this.run(`${before}\nattempt write_limits; echo "status $STATUS"`);
  }
}

const onCgroup = (action: (cgroup: Cgroup) => void): void => {
  inFolder((folder) => {
    action(new Cgroup(folder));
  });
};

describe("limits", () => {
  it("that hold are no drift, whatever the period of the quota", () => {
    onCgroup((cgroup) => {
      expect(cgroup.drift()).toEqual([]);
      cgroup.set("cpu.max", "50000 25000");
      expect(cgroup.drift()).toEqual([]);
      expect(cgroup.write()).toEqual(["status 0"]);
      cgroup.set("cpu.max", "50000 100000");
      expect(cgroup.drift()).toEqual([
        "CPUQuota|200%|200%|50%|written by hand or not taken by the kernel",
        "verdict|CPUQuota|200%|50%|inert|written by hand or not taken by the kernel",
      ]);
    });
  });

  it("that systemd has otherwise are named with the drop-in that wins", () => {
    onCgroup((cgroup) => {
      const folder = join(cgroup.folder, "a\\x2db");
      mkdirSync(folder);
      writeFileSync(join(folder, "50-x.conf"), "[Service]\nMemoryMax=2G\n");
      cgroup.set("memory.max", "2147483648");
      const other = `SEEN_UNIT["a.service|MemoryMax"]=2147483648 SEEN_UNIT["a.service|DropInPaths"]='/none ${folder}/50-x.conf'`;
      expect(cgroup.drift(other)).toEqual([
        "MemoryMax|1 GiB|2 GiB|2 GiB|overridden by a\\x2db/50-x.conf",
        "verdict|MemoryMax|1 GiB|2 GiB|inert|overridden by a\\x2db/50-x.conf",
      ]);
      // What set-property wrote holds until the next reload, and nothing else that comes before ours.
      const ours = join(cgroup.folder, "zz-goblin.conf");
      writeFileSync(ours, "[Service]\nMemoryMax=1G\n");
      const property = join(cgroup.folder, "systemd/system.control/50-MemoryMax.conf");
      mkdirSync(join(property, ".."), { recursive: true });
      writeFileSync(property, "[Service]\nMemoryMax=2G\n");
      const reason = (paths: string): string | undefined =>
        cgroup
          .drift(
            `SEEN_UNIT["a.service|MemoryMax"]=2147483648 SEEN_UNIT["a.service|DropInPaths"]='${paths}'`,
          )[0]
          ?.split("|")
          .pop();
      expect(reason(`${folder}/50-x.conf ${ours}`)).toBe("systemd has another value");
      const former = join(cgroup.folder, "50-goblin.conf");
      writeFileSync(former, "[Service]\nMemoryMax=1G\n");
      expect(reason(former)).toBe("systemd has another value");
      for (const order of [
        `${property} ${folder}/50-x.conf ${ours}`,
        `${folder}/50-x.conf ${property} ${ours}`,
      ])
        expect(reason(order)).toBe("overridden by systemd/system.control/50-MemoryMax.conf");
      // systemd's to put right, by a reload.
      expect(cgroup.write(other)).toEqual(["status 0"]);
    });
  });

  it("of a process's CPUs hold where it keeps to fewer of them by itself", () => {
    onCgroup((cgroup) => {
      const runsOn = (cpus: string): void => {
        writeFileSync(join(cgroup.folder, "processes/42/status"), `Cpus_allowed_list:\t${cpus}\n`);
      };
      runsOn("1");
      expect(cgroup.drift()).toEqual([]);
      runsOn("1-2");
      expect(cgroup.drift()).toEqual([
        "CPUAffinity|0-1|0-1|1-2|written by hand or not taken by the kernel",
        "verdict|CPUAffinity|0-1|1-2|inert|written by hand or not taken by the kernel",
      ]);
    });
  });

  it("of a disk hold on whichever of its layers systemd has put them", () => {
    onCgroup((cgroup) => {
      for (const layer of ["253:1", "254:2", "254:0"]) {
        cgroup.set("io.max", `8:0 rbps=5 wbps=max\n${layer} rbps=1048576 wbps=max`);
        expect(cgroup.drift()).toEqual([]);
        cgroup.set("io.max", `${layer} rbps=2097152 wbps=max`);
        const kernel = `write_kernel() { echo "$2" | tee "$1"; }`;
        expect(cgroup.write(kernel)).toEqual([
          `${layer} rbps=1048576`,
          `  set a.service io.max to ${layer} rbps=1048576`,
          "status 0",
        ]);
      }
    });
  });

  it("hold only in their slice, where a unit gets by a restart", () => {
    onCgroup((cgroup) => {
      const strayed = (loaded: string, group: string, before = ""): string[] =>
        cgroup
          .run(
            `WANT["limits|a.service|properties"]=Slice WANT["limits|a.service|Slice"]=ai-a.slice WANT[units]=$'a.service\\n'
          SEEN_UNIT["a.service|Slice"]=${loaded} SEEN_UNIT["a.service|ControlGroup"]=${group}
          mkdir -p "$CGROUPS${group}"
          ${before}
          find_limit_drift; printf '%s\\n' "\${FINDINGS[@]}" "\${LIMITS[@]}"
          mark_strayed; ls "$PENDING"`,
          )
          .map((line) => line.replaceAll("\t", "|"));
      expect(strayed("ai-a.slice", "/ai.slice/ai-a.slice/a.service")).toEqual([
        "app|a.service|Slice|ai-a.slice|ai-a.slice|enforced|",
      ]);
      expect(strayed("ai-a.slice", "/system.slice/a.service")).toEqual([
        "app|a.service|Slice|ai-a.slice|ai-a.slice|system.slice|its processes are in another slice until its next start",
        "app|a.service|Slice|ai-a.slice|system.slice|inert|its processes are in another slice until its next start",
        "restart%a.service",
      ]);
      // systemd would start it there again.
      expect(strayed("system.slice", "/system.slice/a.service", 'rm "$PENDING"/*')).toEqual([
        "app|a.service|Slice|ai-a.slice|system.slice|system.slice|systemd has another value",
        "app|a.service|Slice|ai-a.slice|system.slice|inert|systemd has another value",
      ]);
    });
  });

  it("that protect nothing, because a slice above does not, are inert", () => {
    onCgroup((cgroup) => {
      cgroup.set("../memory.low", "0");
      expect(cgroup.drift()).toEqual([
        "verdict|MemoryLow|4096 B|4096 B|inert|a slice above has no MemoryLow",
      ]);
    });
  });

  it("of a unit that does not run are inert, and of one that is not there, too", () => {
    onCgroup((cgroup) => {
      const inert = (before: string): string[] =>
        cgroup.drift(before).filter((line) => line.includes("CPUQuota"));
      expect(inert('SEEN_UNIT["a.service|ControlGroup"]=')).toEqual([
        "verdict|CPUQuota|200%||inert|a.service is not running",
      ]);
      expect(inert('SEEN_UNIT["a.service|LoadState"]=not-found')).toEqual([
        "verdict|CPUQuota|200%||inert|a.service is not on this host",
      ]);
    });
  });

  it("that were written by hand are put right, by the same share of the kernel's period", () => {
    onCgroup((cgroup) => {
      cgroup.set("memory.max", "max");
      cgroup.set("cpu.max", "1000 20000");
      writeFileSync(join(cgroup.folder, "processes/42/oom_score_adj"), "0\n");
      expect(cgroup.write()).toEqual([
        "  set a.service memory.max to 1073741824",
        "  set a.service cpu.max to 40000 20000",
        "  set a.service oom_score_adj to -500",
        "status 0",
      ]);
      expect(cgroup.drift()).toEqual([]);
    });
  });

  it("of a disk and of a process's CPUs are put right where the kernel has them", () => {
    onCgroup((cgroup) => {
      cgroup.set("io.max", "8:0 rbps=5");
      writeFileSync(join(cgroup.folder, "processes/42/status"), "Cpus_allowed_list:\t0-7\n");
      const kernel = `
        taskset() { echo "taskset $*" >&2; printf 'Cpus_allowed_list:\\t%s\\n' "$2" >"$PROCESSES/42/status"; }
        write_kernel() { echo "kernel \${1##*/} $2"; echo "$2" >"$1"; }`;
      expect(cgroup.write(kernel)).toEqual([
        "taskset -apc 0-1 42",
        "  set a.service status to 0-1",
        "kernel io.max 254:0 rbps=1048576",
        "  set a.service io.max to 254:0 rbps=1048576",
        "status 0",
      ]);
      writeFileSync(join(cgroup.folder, "processes/42/status"), "Cpus_allowed_list:\t0-7\n");
      expect(cgroup.write("taskset() { return 1; }")).toEqual([
        "warning: a.service: not every thread of its process can be given the CPUs 0-1",
        "warning: a.service: status is 0-7 after 0-1 was written",
        "status 0",
      ]);
    });
  });

  it("that the kernel refuses fail the apply; those that it takes otherwise are said", () => {
    onCgroup((cgroup) => {
      cgroup.set("memory.max", "max");
      const refusing = `write_kernel() { fail "the kernel does not take \\"$2\\" in $1"; }`;
      expect(cgroup.write(refusing)).toEqual([
        'error: bundle app: the kernel does not take "1073741824" in cgroups/ai.slice/a.service/memory.max',
        "status 1",
      ]);
      expect(cgroup.write('write_kernel() { echo 4096 >"$1"; }')).toEqual([
        "warning: a.service: memory.max is 4096 after 1073741824 was written",
        "status 0",
      ]);
    });
  });

  it("that systemctl set-property has left go before the reload, with their empty folder", () => {
    onCgroup((cgroup) => {
      const folder = join(cgroup.folder, "systemd/system.control/a.service.d");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "50-MemoryMax.conf"), "[Service]\nMemoryMax=2G\n");
      writeFileSync(join(folder, "50-Other.conf"), "theirs\n");
      const drop = `SEEN_UNIT["a.service|DropInPaths"]='${folder}/50-MemoryMax.conf ${folder}/50-Other.conf'
        drop_overrides; ls systemd/system.control/* state/pending; rm -f '${folder}/50-Other.conf'; touch '${folder}/50-CPUQuota.conf'
        SEEN_UNIT["a.service|DropInPaths"]='${folder}/50-CPUQuota.conf'; drop_overrides; ls systemd/system.control`;
      expect(cgroup.run(drop)).toEqual([
        expect.stringMatching(/^ {2}kept what stood at systemd\/.*50-MemoryMax\.conf as state\/displaced\//),
        "state/pending:",
        "reload",
        "systemd/system.control/a.service.d:",
        "50-Other.conf",
        expect.stringMatching(/^ {2}kept what stood at .*50-CPUQuota\.conf as /),
      ]);
    });
  });
});
