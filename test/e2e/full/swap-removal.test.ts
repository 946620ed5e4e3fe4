import { beforeAll, expect, it } from "vitest";
import { goTo, machine } from "../support/machine";
import { Pattern, ZRAM_OFF, ZRAM_ON } from "../support/pattern";

const vm = machine();
const REMOVE = "ai-resource-manager remove swap";

let pattern: Pattern;

beforeAll(async () => {
  await goTo(vm, "applied");
  pattern = await Pattern.start(vm, 192);
});

it("the last swap stays while a service at its memory limit needs it, however much memory is free", async () => {
  await vm.run(ZRAM_OFF);
  const { code, stderr } = await vm.ssh(REMOVE);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^error: bundle swap: \/swapfile cannot be switched off: the cgroup \/system.slice\/pattern.service is near its memory limit and has 1\d\d MiB swapped/,
  );
  await pattern.expectIntact();
});

it("it goes when another swap can take the pages, and nothing is lost", async () => {
  await vm.run(ZRAM_ON);
  await vm.run(REMOVE);
  expect(await vm.run("awk 'NR > 1 {print $1}' /proc/swaps; ls /swapfile* 2>/dev/null || true")).toBe(
    "/dev/zram0\n",
  );
  await pattern.expectIntact();
});
