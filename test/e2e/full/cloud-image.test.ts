import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adoptImage } from "../../sandbox/adopted-image";
import { readEnforcement } from "../../sandbox/enforcement";
import type { Vm } from "../../sandbox/vm";
import { makeCloudImage } from "../support/cloud-image";
import { describeInLong } from "../support/long";
import { bootOwn, deploy, endOwn, ran, whenThereIsRoom } from "../support/machine";
import { SERVICE, SMALL } from "../support/small-host";

const OVERRIDES = { ...SMALL, "goblin-host:observe": "required", "goblin-host:workloads.llamacpp": SERVICE };
const HOUR = 3600_000;

describeInLong("a provider's cloud image, as --image takes it", () => {
  let vm: Vm;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "goblin-host-cloud-"));
    try {
      const file = await makeCloudImage(folder, "trixie");
      const image = await whenThereIsRoom(() => adoptImage({ file }));
      vm = await bootOwn("cloud", 896, 1, { image });
    } finally {
      await execa("rm", ["-rf", "--one-file-system", folder]);
    }
  }, 2 * HOUR);
  afterAll(() => endOwn(vm));

  it("keeps its own disk, network and kernel", async () => {
    expect(await vm.run("cat /proc/cmdline")).toContain("root=LABEL=cloudimg-rootfs");
    expect(await vm.run("findmnt --noheadings --output SOURCE /")).toBe("/dev/vda1\n");
    expect(await vm.run("networkctl --no-pager --no-legend list; cloud-init --version")).toMatch(
      /\bens?\w+ +ether +routable +configured/,
    );
  });

  it("takes the stack, and keeps it over a reboot", async () => {
    await deploy(vm, "up", { overrides: OVERRIDES });
    expect((await readEnforcement(vm)).filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    await vm.reboot();
    await vm.run(
      "for i in $(seq 40); do ai-resource-manager verify && exit; sleep 3; done; ai-resource-manager verify",
      { timeoutSeconds: 300 },
    );
    expect(ran(await deploy(vm, "up", { overrides: OVERRIDES }))).toEqual([]);
  });

  it("is given back", async () => {
    await deploy(vm, "destroy", { overrides: OVERRIDES });
    expect(await vm.run("tail -n +2 /proc/swaps; ls /usr/local/sbin")).not.toMatch(/swap|ai-resource/);
  });
});
