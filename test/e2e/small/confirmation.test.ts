import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { sentBundle } from "../../../components/host-bundle/sent";
import { apply, applyAll, bundles, bundleText } from "../support/bundles";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { goTo, machine, SMALL_SIZE } from "../support/machine";

const vm = machine(SMALL_SIZE);
const WINDOW = 15;
const CONFIG = "/etc/ssh/sshd_config.d/50-goblin-test.conf";

/** A bundle that restarts sshd: with another port nobody gets in any more. */
const door = (content: string): Bundle => ({
  name: "door",
  confirmSeconds: WINDOW,
  files: { [CONFIG]: { mode: "0644", content } },
  units: { "ssh.service": { active: true, restartOn: [CONFIG] } },
});
const OPEN = door("MaxAuthTries 5\n");
const SHUT = door("Port 2222\n");

const confirm = (bundle: Bundle) =>
  vm.ssh(bundleCommands(bundle.name).confirm, { stdin: `${sentBundle(bundle).digest}\n`, fresh: true });
const config = (): Promise<string> => vm.run(`cat ${CONFIG}`, { fresh: true });
const waiting = (): Promise<string> =>
  vm.run(
    "ls /var/lib/ai-resource-manager/unconfirmed; systemctl list-units --all --no-legend --plain 'ai-resource-manager-revert*'",
  );

/** Waits until nothing waits for its confirmation, nor is on its way back. */
async function settled(): Promise<void> {
  for (let second = 0; (await waiting()) !== ""; second++) {
    if (second > 90) throw new Error(`still waiting: ${await waiting()}`);
    await sleep(1000);
  }
}

/** Waits until a new connection gets in again. */
async function reached(seconds: number): Promise<void> {
  for (const started = Date.now(); Date.now() - started < seconds * 1000;) {
    const { code } = await vm.ssh("true", { fresh: true, timeoutSeconds: 20 }).catch(() => ({ code: 255 }));
    if (code === 0) return;
    await sleep(1000);
  }
  throw new Error(`nobody gets in after ${seconds} s`);
}

describe("a change that could cut the operator off", () => {
  let before: string[];

  beforeAll(async () => {
    await goTo(vm, "clean");
    before = await fingerprint(vm);
    await applyAll(vm, [bundles.manager(), OPEN]);
    expect((await confirm(OPEN)).stdout).toBe("door: confirmed\n");
    expect(await waiting()).toBe("");
  });

  beforeEach(async () => {
    if ((await config()) !== "MaxAuthTries 5\n") {
      await applyAll(vm, [OPEN]);
      await confirm(OPEN);
    }
  });

  it("goes back by itself, as a version of its own; a late confirmation applies it once more, and confirms nothing", async () => {
    const { code, stdout } = await apply(vm, SHUT);
    expect(code).toBe(0);
    expect(stdout).toContain(`door: goes back in ${WINDOW} s unless a new connection confirms it\n`);
    const { code: shut } = await vm
      .ssh("true", { fresh: true, timeoutSeconds: 10 })
      .catch(() => ({ code: 255 }));
    expect(shut, "a new connection while sshd listens elsewhere").not.toBe(0);
    await reached(120);
    await settled();
    expect(await config()).toBe("MaxAuthTries 5\n");
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    const status = await vm.run("ai-resource-manager status --json");
    const { bundles: stored } = JSON.parse(status) as {
      bundles: { name: string; generation: number; digest: string; reverted?: string }[];
    };
    expect(stored.find(({ name }) => name === "door")).toMatchObject({
      generation: 3,
      reverted: expect.stringMatching(/^\d{4}-\d\d-\d\d /) as string,
      digest: sentBundle(OPEN).digest,
    });
    const late = await confirm(SHUT);
    expect(late.code).toBe(1);
    // Pulumi believes that it is applied, and would not send it again: the host has it.
    expect(late.stdout).toContain("door: its change went back because nobody confirmed it in time");
    expect(late.stderr).toMatch(/^error: the change of door had gone back .* run pulumi up again now\n$/);
    await reached(120);
    await settled();
    expect(await config()).toBe("MaxAuthTries 5\n");
    expect(await vm.run("journalctl -q -o cat -u 'ai-resource-manager-revert-*'")).toContain(
      "door: nobody confirmed its last change in time, so it goes back",
    );
  });

  it("stays once it is confirmed", async () => {
    const other = door("MaxAuthTries 4\n");
    await applyAll(vm, [other]);
    expect((await confirm(other)).code).toBe(0);
    await sleep((WINDOW + 5) * 1000);
    expect(await config()).toBe("MaxAuthTries 4\n");
    expect(await waiting()).toBe("");
  });

  itInLong("goes back when the manager is killed in the middle of it", async () => {
    await vm.run(
      `mkdir -p /run/systemd/system/ssh.service.d
      printf '[Service]\\nExecStartPre=/usr/bin/pkill -KILL -f "[a]i-resource-manager apply door"\\n' \\
        >/run/systemd/system/ssh.service.d/kill.conf
      systemctl daemon-reload`,
    );
    const { code } = await apply(vm, { ...door("MaxAuthTries 3\n"), confirmSeconds: 60 });
    expect(code).not.toBe(0);
    await vm.run("rm -r /run/systemd/system/ssh.service.d; systemctl daemon-reload");
    expect(await config()).toBe("MaxAuthTries 3\n");
    await vm.run(`for i in $(seq 120); do grep -q 5 ${CONFIG} && exit; sleep 1; done; exit 1`);
    await settled();
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  itInLong("goes back at the next boot, when somebody has to switch the machine off", async () => {
    const patient = { ...SHUT, confirmSeconds: 7200 };
    expect((await apply(vm, patient)).code).toBe(0);
    await vm.reboot();
    expect(await config()).toBe("MaxAuthTries 5\n");
    expect(await waiting()).toBe("");
  });

  it("is not there any more once its bundle is removed", async () => {
    await apply(vm, door("MaxAuthTries 4\n"));
    await vm.run(bundleCommands("door").remove);
    expect(await waiting()).toBe("");
    await vm.run(bundleCommands("manager").remove);
    expect(difference(before, await fingerprint(vm))).toEqual([]);
    expect(bundleText(OPEN)).toContain(`confirm: "${WINDOW}"`);
  });
});
