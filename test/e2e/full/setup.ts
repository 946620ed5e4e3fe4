import { ensurePrerequisites } from "../../sandbox/prerequisites";
import { Vm } from "../../sandbox/vm";
import { FULL_SIZE } from "../support/machine";

/** Boots the suite's VM once, clean; GOBLIN_HOST_KEEP_VM=1 keeps it for the next run of a developer's loop. */
export async function setup(): Promise<void> {
  await ensurePrerequisites();
  const keep = process.env["GOBLIN_HOST_KEEP_VM"] === "1";
  let vm = Vm.find(FULL_SIZE.name);
  if (vm !== undefined && keep) return;
  await vm?.kill();
  vm = await Vm.boot({ ...FULL_SIZE, clean: true });
  await vm.snapshot("clean");
}

export async function teardown(): Promise<void> {
  if (process.env["GOBLIN_HOST_KEEP_VM"] === "1") return;
  await Vm.find(FULL_SIZE.name)?.kill();
  Vm.purge(FULL_SIZE.name);
}
