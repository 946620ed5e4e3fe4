import { ensurePrerequisites } from "../../sandbox/prerequisites";
import { Vm } from "../../sandbox/vm";

/**
 * A suite's setup and teardown: its VM is booted once, and its tests reset it by snapshot. GOBLIN_HOST_KEEP_VM=1 keeps
 * it for the next run of a developer's loop.
 */
export function suiteVm(shape: { name: string; memoryMiB: number; cpus: number }): {
  setup: () => Promise<void>;
  teardown: () => Promise<void>;
} {
  const keep = process.env["GOBLIN_HOST_KEEP_VM"] === "1";
  return {
    setup: async () => {
      await ensurePrerequisites();
      const running = Vm.find(shape.name);
      if (running !== undefined && keep) return;
      await running?.kill();
      const vm = await Vm.boot({ ...shape, clean: true });
      await vm.snapshot("clean");
    },
    teardown: async () => {
      if (keep) return;
      await Vm.find(shape.name)?.kill();
      Vm.purge(shape.name);
    },
  };
}
