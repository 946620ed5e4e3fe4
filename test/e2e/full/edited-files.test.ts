import { beforeAll, expect, it } from "vitest";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { applyAll, bundles } from "../support/bundles";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { goTo, machine } from "../support/machine";

const vm = machine();
const DROP_IN = "/etc/systemd/system/ollama.service.d/zz-goblin.conf";
const DISPLACED = "/var/lib/ai-resource-manager/displaced";
const WANTED = [
  bundles.manager(),
  bundles.workload("ollama", { memory: { max: "2GiB" } }),
  bundles.workload("llamacpp", { memory: { max: "1GiB" } }),
];

let before: string[];

/** Removes everything, and returns what the host said. */
async function removeAll(): Promise<string> {
  let said = "";
  for (const { name } of [...WANTED].reverse()) said += await vm.run(bundleCommands(name).remove);
  return said;
}

beforeAll(async () => {
  await goTo(vm, "clean");
  before = await fingerprint(vm);
});

it("what the operator wrote into our files outlives their repair and their removal", async () => {
  await applyAll(vm, WANTED);
  await vm.run(`echo 'TasksMax=99' >>${DROP_IN}`);
  await vm.run("ai-resource-manager apply --stored");
  // It comes back by its name, is drift until the next apply, and is kept once more.
  expect(await vm.run("ai-resource-manager backups")).toMatch(
    new RegExp(`^edited +\\S+ \\S+ sound +${DROP_IN}$`, "m"),
  );
  expect(await vm.run(`ai-resource-manager restore ${DROP_IN} 2>&1`)).toMatch(
    /^restored .*\n {2}reloaded systemd\nwarning: .* belongs to the bundle workload-ollama: this is drift until the next apply/m,
  );
  expect(await vm.run(`tail -n 1 ${DROP_IN}`)).toBe("TasksMax=99\n");
  await vm.run("ai-resource-manager apply --stored");
  const folder = DROP_IN.replace("ollama", "llamacpp");
  await vm.run(
    `echo 'CPUWeight=17' >>${DROP_IN}; rm ${folder}; mkdir ${folder}; echo notes >${folder}/notes`,
  );
  const said = await removeAll();
  expect(said).toContain(`kept what stood at ${DROP_IN} as ${DISPLACED}/`);
  expect(said).toContain(`kept 4 edited files in ${DISPLACED}; when nobody needs them: rm -r`);

  const kept = await vm.run(`cd ${DISPLACED}; grep -rhE '^(TasksMax=99|CPUWeight=17|notes)$' . | sort`);
  expect(kept).toBe("CPUWeight=17\nTasksMax=99\nTasksMax=99\nnotes\n");
  // The rest of the machine is as it was.
  const others = difference(before, await fingerprint(vm)).filter(
    (line) => !line.includes("/var/lib/ai-resource-manager"),
  );
  expect(others).toEqual([]);
  expect(await vm.run("ls -A /var/lib/ai-resource-manager")).toBe("displaced\n");
});

itInLong("a new deployment on top of them works, and removal without edits leaves nothing", async () => {
  await vm.run(`rm -r ${DISPLACED}/*`);
  await applyAll(vm, WANTED);
  expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  await removeAll();
  expect(difference(before, await fingerprint(vm))).toEqual([]);
});
