import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { managerProgram } from "../../../components/manager/program";
import type { EngineResult } from "../../sandbox/engine";
import { firstFreePort } from "../../sandbox/process";
import type { SshResult } from "../../sandbox/ssh";
import { bundles, bundleText } from "../support/bundles";
import { activity, difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { deploy, goTo, machine, ran, tryDeploy } from "../support/machine";

const vm = machine();
const HOST = "goblin-host:hosts.sandbox";
const WORKLOADS = "goblin-host:workloads";
const holdAptLock = readFileSync(join(import.meta.dirname, "..", "support", "hold-apt-lock.pl"), "utf8");

/** What the operator reads as errors: of the engine, of the program and of the host. */
const errors = ({ diagnostics }: EngineResult): string =>
  diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    .join("\n");

/** A run that was refused: exit code 1, no command of ours reached its end, no stack trace. */
function expectRefusal(result: EngineResult): string {
  const said = errors(result);
  expect(result.exitCode, said).toBe(1);
  const done = result.steps.filter(({ op, failed }) => op !== "same" && failed !== true);
  // What is registered beside these is on no host.
  expect(done.filter(({ type }) => /^(command|docker):/.test(type))).toEqual([]);
  expect(said).not.toMatch(/^\s+at .*(:\d+:\d+|\(native\))/m);
  return said;
}

/** Where the program lies that stands in for an installed manager: outside of all that is compared. */
const MANAGER = "/opt/goblin-sandbox/ai-resource-manager";

/** The manager's run for a bundle, with what is put before it on the command line. */
function applyBundle(bundle: Bundle | string, name: string, before = ""): Promise<SshResult> {
  const stdin = typeof bundle === "string" ? bundle : bundleText(bundle);
  return vm.ssh(`${before} bash ${MANAGER} apply ${name}`, { stdin });
}

const install = (): Promise<string> =>
  vm.run(`install -m 0755 /dev/stdin ${MANAGER}`, { stdin: managerProgram().text });

describe("settings that are wrong", () => {
  const mistakes: [path: string, value: unknown, reason: string, fix: string][] = [
    ["goblin-host:swap.sise", "1GiB", "there is no such setting; did you mean size?", "config rm"],
    ["goblin-host:swap.size", "16GB", "written GiB or G", "16GiB"],
    ["goblin-host:zram.size", "-1GiB", "a size cannot be negative", "8GiB"],
    ["goblin-host:zram.memoryLimit", 1.5, "a size needs a unit", "2GiB"],
    [`${WORKLOADS}.ollama.memory.max`, 0, "a size of 0 would leave nothing", "8GiB"],
    [`${WORKLOADS}.llamacpp.memory.high`, "6GiB", "it must be below max, 6GiB", "config rm"],
    [`${WORKLOADS}.ollama.cpu.cores`, "7-0", "the range 7-0 runs backwards", "0-7"],
    [`${WORKLOADS}.ollama.cpu.quota`, "0%", "a quota of 0 would stop the workload", "200%"],
    [`${WORKLOADS}.local-llm-proxy.unit`, "a/b.service", "no such name", "config rm"],
    [`${WORKLOADS}.line.unit`, "a.service\nb", "no such name", "config rm"],
    [`${WORKLOADS}.twin.unit`, "llamacpp.service", "has the same unit", "twin.service"],
    [`${WORKLOADS}.pinned.cpu.cores`, "0-1", "kept for the system by reserve.cores (1)", "0"],
  ];
  let said: string;
  let before: string[];

  beforeAll(async () => {
    await goTo(vm, "clean");
    before = await fingerprint(vm);
    const overrides = {
      ...Object.fromEntries(mistakes.map(([path, value]) => [path, value])),
      ...Object.fromEntries(
        ["line", "twin", "pinned"].map((name) => [`${WORKLOADS}.${name}.memory.max`, "1GiB"]),
      ),
      "goblin-host:reserve.cores": "1",
    };
    said = expectRefusal(await tryDeploy(vm, "up", { overrides }));
  });

  it.each(mistakes)("%s = %j", (path, value, reason, fix) => {
    const blocks = said.split(/^ {2}(?=goblin-host:)/m).filter((block) => block.startsWith(`${path} `));
    expect(blocks, said).toHaveLength(1);
    expect(blocks[0]).toContain(`${path} is ${JSON.stringify(value)}: `);
    expect(blocks[0]).toContain(reason);
    expect(blocks[0]?.split("fix: pulumi ")[1]).toContain(fix);
  });

  it("all of it is said at once, and the machine is as it was", async () => {
    expect(said).toContain(`the configuration has ${mistakes.length} things to mend:`);
    expect(difference(before, await fingerprint(vm))).toEqual([]);
  });
});

describe("a host that cannot be reached, is another, or does not let us in", () => {
  let before: string;

  beforeAll(async () => {
    await goTo(vm, "clean");
    before = await activity(vm);
  });

  const refusedUp = async (overrides: Record<string, unknown>): Promise<string> =>
    expectRefusal(await tryDeploy(vm, "up", { overrides }));

  it("nobody listens at its port", async () => {
    const port = await firstFreePort([]);
    const started = Date.now();
    expect(await refusedUp({ [`${HOST}.port`]: port })).toContain(`127.0.0.1:${port}`);
    expect(Date.now() - started).toBeLessThan(90_000);
  });

  it("its host key is not the one that is declared", async () => {
    const stranger = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"B".repeat(42)}B`;
    expect(await refusedUp({ [`${HOST}.hostKey`]: stranger })).toContain("host key mismatch");
  });

  it("the user may not use sudo", async () => {
    expect(await refusedUp({ [`${HOST}.user`]: "nosudo" })).toContain(
      "nosudo may not use sudo without a password; nothing was changed. Allow it as root on the host: echo 'nosudo ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/nosudo",
    );
  });

  it("none of it changed the machine", async () => {
    expect(await activity(vm)).toBe(before);
  });
});

describe("a host that cannot take the bundle", () => {
  let before: string[];

  beforeAll(async () => {
    await goTo(vm, "clean");
    before = await fingerprint(vm);
    await install();
  });

  /** Refused with exit code 2 and these words, and not one file touched between before and after. */
  async function expectUntouched(
    run: () => Promise<SshResult>,
    said: readonly string[],
    { prepare = "", restore = "" } = {},
  ): Promise<void> {
    if (prepare !== "") await vm.run(prepare);
    const earlier = await activity(vm);
    const result = await run();
    const later = await activity(vm);
    if (restore !== "") await vm.run(restore);
    for (const words of said) expect(result.stderr).toContain(words);
    expect(result.stderr).toMatch(/^error: /);
    expect(result.code, result.stderr).toBe(2);
    expect(later).toBe(earlier);
  }

  const swapAt = (path: string, size = "512MiB") => {
    const bundle = bundles.swap({ path, size });
    return () => applyBundle(bundle, "swap");
  };
  const pathFix = (path: string) => `Fix: pulumi config set --path 'goblin-host:swap.path' ${path}`;

  it("the swapfile's path is a folder, or a link", async () => {
    await expectUntouched(swapAt("/srv"), [
      "goblin-host:swap.path: /srv is a folder",
      pathFix("/srv/swapfile"),
    ]);
    await expectUntouched(
      swapAt("/srv/link"),
      ["goblin-host:swap.path: /srv/link is no regular file", pathFix("/swapfile")],
      { prepare: "ln -s /dev/vda /srv/link", restore: "rm /srv/link" },
    );
  });

  it("the swapfile's path is on tmpfs, overlay or btrfs", async () => {
    const refused = (path: string, type: string) => [
      `goblin-host:swap.path: ${path} is on ${type}, where swap files do not work. Allowed: a folder on ext4 or xfs.`,
      pathFix("/swapfile"),
    ];
    await expectUntouched(swapAt("/dev/shm/swapfile"), refused("/dev/shm/swapfile", "tmpfs"));
    await expectUntouched(swapAt("/srv/o/swapfile"), refused("/srv/o/swapfile", "overlayfs"), {
      prepare:
        "mkdir -p /srv/o /run/o/upper /run/o/work && mount -t overlay -o lowerdir=/srv/o,upperdir=/run/o/upper,workdir=/run/o/work overlay /srv/o",
      restore: "umount /srv/o && rm -r /srv/o /run/o",
    });
    // Unpacked, not installed: what is installed is compared.
    await expectUntouched(swapAt("/srv/b/swapfile"), refused("/srv/b/swapfile", "btrfs"), {
      prepare: `mkdir -p /srv/b /srv/tools && cd /srv/tools && apt-get -qq download btrfs-progs liblzo2-2 2>/dev/null &&
        for deb in *.deb; do dpkg-deb -x $deb .; done && truncate -s 128M /srv/b.img &&
        LD_LIBRARY_PATH=$PWD/usr/lib/$(uname -m)-linux-gnu:$PWD/lib/$(uname -m)-linux-gnu sbin/mkfs.btrfs -q /srv/b.img >/dev/null &&
        mount -o loop /srv/b.img /srv/b`,
      restore: "umount /srv/b && rm -r /srv/b /srv/b.img /srv/tools",
    });
  });

  it.skip("the swapfile's path is on ZFS (skipped: Debian's kernel has no ZFS module)");

  it("the swapfile is larger than the disk", async () => {
    await expectUntouched(swapAt("/swapfile", "64GiB"), [
      "goblin-host:swap.size: 64 GiB do not fit on the disk of /swapfile",
      "Fix: pulumi config set --path 'goblin-host:swap.size' 4",
    ]);
  });

  it("a folder stands where a file belongs, and the host is a container: all of it is said", async () => {
    await expectUntouched(
      swapAt("/swapfile"),
      [
        "error: /etc/sysctl.d/90-goblin-swap.conf is a directory, not a file: move it away",
        "error: this host is a container",
      ],
      {
        prepare: "mkdir /etc/sysctl.d/90-goblin-swap.conf && echo lxc >/run/systemd/container",
        restore: "rmdir /etc/sysctl.d/90-goblin-swap.conf && rm /run/systemd/container",
      },
    );
  });

  it("it uses cgroup v1", async () => {
    // What a v1 host mounts there; version 2 is then elsewhere or nowhere.
    const v1 =
      "mount -t tmpfs cgroup /sys/fs/cgroup && mkdir /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd";
    const stdin = bundleText(bundles.swap({ size: "512MiB" }));
    for (const verb of ["apply swap", "remove swap", "verify", "status --json"]) {
      await expectUntouched(
        () => vm.ssh(`unshare -m sh -c '${v1} && exec bash ${MANAGER} ${verb}'`, { stdin }),
        ["this host uses cgroup v1", "systemd.unified_cgroup_hierarchy=1", "/etc/default/grub"],
      );
    }
  });

  it("its disk is full, to the last block", async () => {
    await expectUntouched(swapAt("/swapfile"), ["the disk is full: 0 B free", "32 MiB are needed"], {
      prepare: `free() { stat -f -c '%f' /; }; size=$(stat -f -c %S /)
        for part in 1 2 3; do fallocate -l $(($(free) * size * 99 / 100)) /srv/full$part; done
        dd if=/dev/zero of=/srv/full bs=1M status=none 2>/dev/null; dd if=/dev/zero bs=4k status=none >>/srv/full 2>/dev/null; [ "$(stat -f -c %a /)" = 0 ]`,
      restore: "rm /srv/full*",
    });
  });

  it("/etc is read-only, and /var/lib", async () => {
    for (const folder of ["/etc", "/var/lib"]) {
      await expectUntouched(swapAt("/swapfile"), [`${folder} is read-only: mount it writable`], {
        prepare: `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`,
        restore: `umount ${folder}`,
      });
    }
  });

  it("the bundle is truncated, malformed, another's, or for a newer manager", async () => {
    const whole = bundleText(bundles.swap({ size: "512MiB" }));
    const truncated = whole.slice(0, whole.length / 2).replace(/[^\n]*$/, "");
    const cases: [bundle: string, said: string][] = [
      ["", "the bundle is truncated"],
      [truncated, 'the bundle is truncated: its last line "end: true" is missing. Nothing was changed'],
      [whole.replace("  vm.swappiness: ", "   vm.swappiness: "), "the bundle is malformed in line"],
      [whole.replace('name: "swap"', 'name: "other"'), 'of bundle "other", not format 1 of "swap"'],
      [whole.replace('bundle: "1"', 'bundle: "2"'), 'this is format 2 of bundle "swap", not format 1'],
      [
        bundleText(bundles.swap({ size: "512MiB" }), "9.0.0"),
        `bundle swap needs manager 9.0.0, this host has ${managerProgram().version}: run pulumi up`,
      ],
    ];
    for (const [bundle, said] of cases) await expectUntouched(() => applyBundle(bundle, "swap"), [said]);
    // The first bundle of all is looked at by its command, before there is a manager.
    const manager = bundleText(bundles.manager());
    const { code, stderr } = await vm.ssh(bundleCommands("manager").apply, {
      stdin: manager.slice(0, manager.length / 2),
    });
    expect([code, stderr]).toEqual([
      2,
      "ai-resource-manager: the bundle is truncated; nothing was changed\n",
    ]);
  });

  it("the user is not root and may not use sudo", async () => {
    await expectUntouched(
      () => vm.ssh(`bash ${MANAGER} apply swap`, { user: "nosudo" }),
      ["ai-resource-manager needs root, and nosudo may not use sudo without a password"],
    );
  });

  it("another package manager holds apt's lock; a second run waits for the first and says who it is", async () => {
    await vm.run("cat >/run/hold-apt-lock.pl", { stdin: holdAptLock });
    await vm.run(
      "perl /run/hold-apt-lock.pl 90 >/run/held </dev/null 2>&1 & until [ -s /run/held ]; do sleep 0.1; done; grep held /run/held",
    );
    const first = applyBundle(bundles.earlyOom(), "earlyoom", "AI_RESOURCE_MANAGER_APT_WAIT=12");
    // Not only until the file is there: it still names the last run.
    await vm.run("until grep -q 'apply earlyoom' /run/ai-resource-manager/lock; do sleep 0.2; done");
    const second = await applyBundle(
      bundles.swap({ size: "512MiB" }),
      "swap",
      "AI_RESOURCE_MANAGER_LOCK_WAIT=2",
    );
    expect(second.code).toBe(4);
    const holder = "apply earlyoom \\(pid \\d+, since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\)";
    expect(second.stdout).toMatch(new RegExp(`^waiting for ${holder} \\(at most 2 s\\)`));
    expect(second.stderr).toMatch(new RegExp(`still locked after 2 s by ${holder}. Nothing was changed`));
    const { code, stderr } = await first;
    expect(stderr).toContain(
      "package earlyoom cannot be installed: another package manager holds apt's lock",
    );
    expect(stderr).toContain("bundle earlyoom was rolled back");
    expect(code).toBe(1);
    await vm.run("pkill -f '^perl /run/hold-apt-lock.pl'; rm /run/hold-apt-lock.pl /run/held");
  });

  itInLong("apt reaches no mirror", async () => {
    await vm.run("iptables -I OUTPUT -m conntrack --ctstate NEW -j REJECT; apt-get clean");
    const { code, stderr } = await applyBundle(bundles.earlyOom(), "earlyoom");
    await vm.run("iptables -F OUTPUT");
    expect(stderr).toContain(
      "package earlyoom cannot be installed: this host cannot reach its package mirror",
    );
    expect(stderr).toContain("bundle earlyoom was rolled back");
    expect(code).toBe(1);
  });

  it("all of it left the machine as it was", async () => {
    expect(difference(before, await fingerprint(vm))).toEqual([]);
    expect(await vm.run("ls /run | grep ai-resource-manager. || true")).toBe("");
  });
});

describe("a host that has the stack", () => {
  const started = () =>
    vm.run("systemctl show -p Id,MainPID,NRestarts ssh earlyoom ollama llamacpp local-llm-proxy");
  let before: string;

  beforeAll(async () => {
    await goTo(vm, "applied");
    before = await started();
  });

  it("cores that it lacks are refused on the host, by setting, value and what it has", async () => {
    const overrides = { [`${WORKLOADS}.llamacpp.cpu.cores`]: "1-5" };
    const said = expectRefusal(await tryDeploy(vm, "up", { overrides }));
    expect(said).toContain(
      `error: ${WORKLOADS}.llamacpp.cpu.cores: "1-5" names cores that this host lacks (2,3,4,5); it has 0-1.`,
    );
    expect(said).toContain(`Fix: pulumi config set --path '${WORKLOADS}.llamacpp.cpu.cores' 0-1`);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    expect(await started()).toBe(before);
  });

  itInLong("a user with sudo does all that root does", async () => {
    const overrides = { [`${HOST}.user`]: "operator", [`${WORKLOADS}.llamacpp.memory.max`]: "5GiB" };
    const result = await deploy(vm, "up", { overrides });
    expect(ran(result)).toContain("workload-llamacpp");
    expect(await vm.run("cat /sys/fs/cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service/memory.max")).toBe(
      `${5 * 1024 ** 3}\n`,
    );
    expect(await started()).toBe(before);
    const { remove } = bundleCommands("workload-local-llm-proxy");
    expect(await vm.ssh(remove, { user: "operator" })).toMatchObject({ code: 0 });
    expect(await vm.run("systemctl show -p DropInPaths --value local-llm-proxy")).toBe("\n");
  });
});
