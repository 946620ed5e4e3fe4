import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEnforcement } from "../../sandbox/enforcement";
import type { Release } from "../../sandbox/release";
import type { Vm } from "../../sandbox/vm";
import { bootOwn, deploy, endOwn, ran, tryDeploy, untilCollected } from "../support/machine";
import { CONTAINER, SMALL } from "../support/small-host";
import { SUITE_RELEASE } from "../support/suite-vm";

/**
 * What a VM of its own can hold, with a look at the host before each deployment. Beside two others it may take minutes for what
 * takes one alone, so the container has them to become well.
 */
const OVERRIDES = {
  ...SMALL,
  "goblin-host:observe": "required",
  "goblin-host:workloads.llamacpp": {
    ...CONTAINER,
    cpu: { quota: "50%", cores: "0" },
    health: { ...CONTAINER.health, timeout: "5min" },
  },
};

/** Beside both suites' VMs. A machine of one processor is emulated with a third less of this one's. */
const SIZE = { memoryMiB: 896, cpus: 1 };

/** What Debian's users have next; test:long also looks at what comes after that. */
const RELEASE = (process.env["GOBLIN_HOST_NEXT_RELEASE"] ?? "trixie") as Release;
const IS_TRIXIE = RELEASE === "trixie";

let vm: Vm;

/** Everything that the kernel was found to have otherwise, by the sandbox's own look. */
async function wrong(): Promise<string[]> {
  const rows = await readEnforcement(vm);
  expect(rows.length).toBeGreaterThan(40);
  return rows
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ subject, property, declared, kernel, verdict }) =>
      [subject, property, declared, kernel, verdict].join(" "),
    );
}

// All tests are of it where the suites boot it.
describe.skipIf(SUITE_RELEASE === RELEASE)(`a host with Debian ${IS_TRIXIE ? "13" : RELEASE}`, () => {
  beforeAll(async () => {
    vm = await bootOwn("next", SIZE.memoryMiB, SIZE.cpus, { release: RELEASE });
  });
  afterAll(() => endOwn(vm));

  it("takes the stack: systemd and the kernel have all of it, and nobody is warned of a release", async () => {
    const of = await vm.run(". /etc/os-release; echo $ID-$VERSION_ID; ! command -v docker");
    if (IS_TRIXIE) expect(of).toBe("debian-13\n");
    const { diagnostics } = await deploy(vm, "up", { overrides: OVERRIDES });
    const told = diagnostics.map(({ message }) => message).join("\n");
    if (IS_TRIXIE) expect(told).not.toMatch(/not among the hosts/);
    expect(await wrong()).toEqual([]);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    // Debian's docker.io has its client in a package of its own now.
    expect(await vm.run("dpkg-query -W -f '${db:Status-Status}' docker-cli")).toBe("installed");
    expect(await vm.run("systemctl is-active ollama llamacpp earlyoom ai-resource-guard")).toBe(
      "active\n".repeat(4),
    );
    // OpenSSH's session is a program of its own now.
    expect(await vm.run("tr '\\0' ' ' </proc/$(pidof earlyoom)/cmdline")).toContain(
      "|sshd|sshd-auth|sshd-session|",
    );
  });

  it("is not changed by a second up", async () => {
    const again = await deploy(vm, "up", { overrides: OVERRIDES });
    expect(ran(again)).toEqual([]);
    expect(again.summary).toMatch(/^\d+ unchanged$/);
  });

  it("holds all of it after a reboot", async () => {
    await vm.reboot();
    // dockerd and the container's client take an emulated machine some seconds more than systemd waits for.
    await vm.run(
      "for i in $(seq 40); do ai-resource-manager verify && exit; sleep 3; done; ai-resource-manager verify",
      { timeoutSeconds: 300 },
    );
    // A container's unit is active before runc has made its cgroup.
    await vm.run(
      "until systemctl is-active -q ai-llamacpp.slice && systemctl is-active -q airm.slice; do sleep 1; done",
      { timeoutSeconds: 300 },
    );
    await untilCollected(vm);
    expect(await vm.run("systemctl list-units --failed --plain --no-legend")).toBe("");
    expect(await wrong()).toEqual([]);
  });

  it("shows drift in the preview, and up repairs it", async () => {
    await vm.run("systemctl set-property --runtime ollama.service MemoryMax=64M; swapoff /swapfile");
    const drifted = await tryDeploy(vm, "preview", { overrides: OVERRIDES, expectNoChanges: true });
    // The service, and the swap with its confirmation.
    expect([drifted.exitCode, drifted.summary]).toEqual([7, expect.stringMatching(/^3 to update/)]);
    await deploy(vm, "up", { overrides: OVERRIDES });
    expect(await wrong()).toEqual([]);
    const quiet = await tryDeploy(vm, "preview", { overrides: OVERRIDES, expectNoChanges: true });
    expect(quiet.exitCode).toBe(0);
  });

  it("is given back as it was", async () => {
    await deploy(vm, "destroy", { overrides: OVERRIDES });
    expect(
      await vm.run(
        "ls -d /etc/systemd/system/*goblin* /etc/systemd/system/*.d/*goblin* /swapfile 2>/dev/null; " +
          "tail -n +2 /proc/swaps; dpkg-query -W -f '${db:Status-Status}\\n' docker-cli earlyoom jq 2>/dev/null | grep -v not-installed; true",
      ),
    ).toBe("");
    // What somebody had set by hand is kept, and nothing else of the store.
    expect(await vm.run("cd /var/lib/ai-resource-manager && find . -type f")).toMatch(
      /^\.\/displaced\/\d{8}T\d{6}%2Frun%2Fsystemd%2Fsystem\.control%2Follama\.service\.d%2F50-MemoryMax\.conf\n$/,
    );
    expect(await vm.run("systemctl is-active ollama llamacpp")).toBe("active\nactive\n");
  });
});
