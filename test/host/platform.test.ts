import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadVersion } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

const DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
const ALL = "cpuset cpu io memory hugetlb pids rdma misc";

interface Host {
  osRelease?: string | undefined;
  controllers?: string;
  commandLine?: string;
  /** The first line of `systemctl --version`. */
  systemd?: string;
  /** Programs that install packages. */
  programs?: string;
  /** Limits of the bundle, for its own check. */
  limits?: string;
  stored?: boolean;
  /** It is a container, or a Raspberry Pi. */
  is?: "container" | "raspberry";
}

/** What is said of such a host: its problems and warnings. */
function said(
  {
    osRelease = DEBIAN_12,
    controllers = ALL,
    commandLine = "BOOT_IMAGE=/vmlinuz quiet",
    systemd = "systemd 252 (252.39-1~deb12u1)",
    programs = "apt-get dpkg-query",
    limits = "",
    stored = false,
    is,
  }: Host,
  check = "preflight_host",
): string[] {
  return inFolder((folder) => {
    if (osRelease !== "none") writeFileSync(join(folder, "os-release"), osRelease);
    writeFileSync(join(folder, "cgroup.controllers"), `${controllers}\n`);
    writeFileSync(join(folder, "cmdline"), `${commandLine}\n`);
    if (is !== undefined) writeFileSync(join(folder, is), "");
    const limited = Object.fromEntries(limits.split(" ").map((property) => [property, "1"]));
    return bashWithStore(
      `exec 2>&1
      NAME=app
      ${loadVersion(folder, "WANT", { limits: { "a.service": limits === "" ? {} : limited } })}
      type() { [[ " ${programs} " == *" $2 "* ]]; }
      systemctl() { echo '${systemd}'; }
      PROBLEMS=() STORED=${stored ? "1" : ""}
      ${check}
      printf '%s\\n' "\${PROBLEMS[@]}"`,
      folder,
      {
        OS_RELEASE: join(folder, "os-release"),
        CGROUPS: folder,
        INIT_MAPS: join(folder, "maps"),
        KERNEL_COMMAND_LINE: join(folder, "cmdline"),
        CONTAINER_MARK: join(folder, "container"),
        RASPBERRY_COMMAND_LINE: join(folder, "raspberry"),
      },
    )
      .split("\n")
      .filter((line) => line !== "");
  });
}

describe("a host's platform", () => {
  it("is none of a problem where it was tried", () => {
    expect(said({})).toEqual([]);
    expect(said({ osRelease: DEBIAN_12.replaceAll("12", "13"), systemd: "systemd 257 (257.9-1)" })).toEqual(
      [],
    );
  });

  it.each([
    [
      "Ubuntu 24.04.2 LTS",
      'PRETTY_NAME="Ubuntu 24.04.2 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
    ],
    ["Debian GNU/Linux forky/sid", "PRETTY_NAME='Debian GNU/Linux forky/sid'\nID=debian"],
    ["this distribution", "none"],
  ])("is warned of where it was not: %s", (name, osRelease) => {
    expect(said({ osRelease })).toEqual([
      `warning: ${name} is not among the hosts that goblin-host was tried on (Debian 12 and 13). What it declares is verified all the same; what does not hold is an error`,
    ]);
  });

  it("is refused without apt, with what it has instead", () => {
    const osRelease = 'PRETTY_NAME="Fedora Linux 41 (Server Edition)"\nID=fedora\nVERSION_ID=41\n';
    const [problem] = said({ osRelease, programs: "dnf yum" }).filter((line) => !line.startsWith("warning"));
    expect(problem).toBe(
      "this host (Fedora Linux 41 (Server Edition)) installs packages with dnf, which goblin-host does not support yet: it needs Debian's apt-get. Hosts that it was tried on: docs/hosts.md",
    );
    expect(said({ programs: "" })).toEqual([
      "this host (Debian GNU/Linux 12 (bookworm)) has no apt-get, which goblin-host needs. Hosts that it was tried on: docs/hosts.md",
    ]);
  });

  it("is refused with a systemd that is too old, or that says nothing", () => {
    expect(said({ systemd: "systemd 241 (241)" })).toEqual([
      "this host has systemd 241, and 247 or later is needed. Debian 11 and later have it: upgrade the distribution",
    ]);
    expect(said({ systemd: "not that" })).toEqual([
      "systemd does not say its version (systemctl --version: not that)",
    ]);
  });

  it("is asked for before anything is written, by the first apply on a host, whatever it applies", () => {
    const first = `preflight_writable() { :; }
      init_store() { echo "writes"; }
      take_lock() { :; }
      rm -rf "$STATE"
      (change apply swap) & wait $! || echo "ended with $?"
      [[ -e $STATE ]] || echo nothing`;
    expect(said({ programs: "" }, first)).toEqual([
      expect.stringContaining("has no apt-get"),
      "error: bundle swap was not applied; nothing was changed",
      "ended with 2",
      "nothing",
    ]);
  });
});

describe("a kernel without a cgroup controller", () => {
  const own =
    "It was built without them: install the distribution's own kernel (linux-image-amd64 on Debian) and reboot";
  const lacks = (list: string): string =>
    `this kernel has no cgroup controllers ${list} (/sys/fs/cgroup/cgroup.controllers), so that nobody enforces those limits. ${own}`;

  it("is refused at first for what every stack needs, and cpuset only where cores are declared", () => {
    expect(said({ controllers: "cpu hugetlb" })).toEqual([lacks("io, memory, pids")]);
    expect(said({ controllers: "cpu io memory pids" })).toEqual([]);
    const cores = { controllers: "cpu io memory pids", limits: "AllowedCPUs MemoryMax" };
    expect(said(cores, "preflight_limits")).toEqual([lacks("cpuset")]);
  });

  it("is refused by a bundle for what its limits are made of, and for nothing else; a repair goes on", () => {
    const of = (limits: string, stored = false): string[] =>
      said({ controllers: "cpu cpuset", limits, stored }, "preflight_limits");
    expect(of("CPUQuota CPUWeight CPUAffinity AllowedCPUs OOMScoreAdjust Slice")).toEqual([]);
    expect(of("MemoryMax CPUQuota")).toEqual([lacks("memory")]);
    expect(of("IOReadBandwidthMax TasksMax")).toEqual([lacks("io, pids")]);
    expect(of("MemoryMax", true)).toEqual([]);
  });

  it("is told why: a parameter that took it away, a container, a Raspberry Pi", () => {
    const commandLine = "quiet cgroup_disable=hugetlb cgroup_disable=memory,io ro";
    expect(said({ controllers: "cpu pids", commandLine })).toEqual([
      "this kernel was started with cgroup_disable=memory,io, so that nobody enforces limits of io, memory. Take it out of GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot",
    ]);
    expect(said({ controllers: "cpu io pids", commandLine: "cgroup_disable=hugetlb" })).toEqual([
      lacks("memory"),
    ]);
    // What stands in /proc/cmdline of a container is its host's.
    expect(said({ controllers: "", commandLine, is: "container" })).toEqual([
      "this host is a container without the cgroup controllers cpu, io, memory, pids, so that nobody enforces its limits. Use a virtual machine, or have its host delegate them to it",
    ]);
    expect(said({ controllers: "cpu io pids", is: "raspberry" })).toEqual([
      expect.stringMatching(/Add cgroup_enable=memory to the line in .*raspberry and reboot$/),
    ]);
  });
});
