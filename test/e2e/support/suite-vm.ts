import { adoptImage } from "../../sandbox/adopted-image";
import type { Image } from "../../sandbox/image";
import { ensurePrerequisites } from "../../sandbox/prerequisites";
import { DEFAULT_RELEASE, type Release } from "../../sandbox/release";
import { Vm } from "../../sandbox/vm";

/** The release that all VMs of the suites boot (test/run.ts --release). */
export const SUITE_RELEASE = (process.env["GOBLIN_HOST_RELEASE"] ?? DEFAULT_RELEASE) as Release;

/** What all VMs of the suites boot in the place of Debian's: GOBLIN_HOST_IMAGE and GOBLIN_HOST_IMAGE_KEY (test/run.ts --image). */
export async function suiteImage(): Promise<Image | undefined> {
  const file = process.env["GOBLIN_HOST_IMAGE"];
  const privateKey = process.env["GOBLIN_HOST_IMAGE_KEY"];
  return file === undefined ? undefined : adoptImage({ file, privateKey });
}

/**
 * A suite's setup and teardown: its VM is booted once, and its tests reset it by snapshot. GOBLIN_HOST_KEEP_VM takes one
 * that is there ("1" and "found"), and leaves it for the next run ("1" and "left"): a developer's loop has "1", and
 * test/run.ts hands one from a suite to the next.
 */
export function suiteVm(shape: { name: string; memoryMiB: number; cpus: number }): {
  setup: () => Promise<void>;
  teardown: () => Promise<void>;
} {
  const keep = process.env["GOBLIN_HOST_KEEP_VM"];
  return {
    setup: async () => {
      await ensurePrerequisites();
      const running = Vm.find(shape.name);
      if (running !== undefined && (keep === "1" || keep === "found")) return;
      await running?.kill();
      const vm = await Vm.boot({ ...shape, release: SUITE_RELEASE, image: await suiteImage(), clean: true });
      await vm.snapshot("clean");
    },
    teardown: async () => {
      if (keep === "1" || keep === "left") return;
      await Vm.find(shape.name)?.kill();
      Vm.purge(shape.name);
    },
  };
}
