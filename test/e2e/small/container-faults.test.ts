import { beforeEach, expect, it } from "vitest";
import { watchedPreview } from "../support/drift";
import { describeInLong } from "../support/long";
import { deploy, get, goTo, machine, SMALL_SIZE } from "../support/machine";
import { MIXED } from "../support/small-host";

const vm = machine(SMALL_SIZE);

/** By what happened to the container: what the preview shows, by operation and resource. */
const FAULTS: Record<string, { inject: string; shown: RegExp }> = {
  "was removed": { inject: "docker rm -f llamacpp", shown: /create sandbox-llamacpp-container/ },
  "was stopped": {
    inject: "systemctl stop llamacpp",
    shown: /(update|create) sandbox-llamacpp-(container|ready-apply|bundle-apply)/,
  },
  "was renamed": {
    inject: "docker rename llamacpp other",
    shown: /(update|replace|create|delete-replaced|create-replacement) sandbox-llamacpp-container/,
  },
  "was given other limits": {
    inject: "docker update --memory 96m --memory-swap 128m llamacpp",
    shown: /update sandbox-llamacpp-container/,
  },
};

describeInLong("a container that", () => {
  beforeEach(() => goTo(vm, "applied", MIXED));

  const expectShown = async (shown: RegExp): Promise<void> => {
    const preview = await watchedPreview(vm, MIXED);
    expect(preview.exitCode).toBe(7);
    const steps = preview.steps.filter(({ op }) => op !== "same").map(({ op, name: of }) => `${op} ${of}`);
    expect(steps.join("\n")).toMatch(shown);
  };
  const expectNothingShown = async (): Promise<void> => {
    const preview = await watchedPreview(vm, MIXED);
    expect(preview.steps.filter(({ op }) => op !== "same")).toEqual([]);
    expect(preview.exitCode).toBe(0);
  };
  const repair = () => deploy(vm, "up", { overrides: { ...MIXED, "goblin-host:observe": "required" } });

  for (const [name, { inject, shown }] of Object.entries(FAULTS)) {
    it(`${name} shows in the preview, runs again after up, and the next preview is empty`, async () => {
      await vm.run(`${inject} >/dev/null`);
      await expectShown(shown);
      await repair();
      expect(await get(vm, 8080, "/health")).toBe("ok\n");
      expect(await vm.run("docker ps --format '{{.Names}}' | sort")).toContain("llamacpp\n");
      await expectNothingShown();
    });
  }

  it("has lost the image it was built from gets it again, and runs on meanwhile", async () => {
    const look = "docker inspect -f '{{.Id}} {{.State.StartedAt}}' ai-resource-monitor";
    const before = await vm.run(look);
    const tag = await vm.run("docker images --format '{{.Repository}}:{{.Tag}}' goblin-host/monitor");
    await vm.run(`docker rmi -f ${tag.trim()} >/dev/null`);
    await expectShown(/^create sandbox-monitor-image$/m);
    await repair();
    expect(await vm.run("docker images --format '{{.Repository}}:{{.Tag}}' goblin-host/monitor")).toBe(tag);
    expect(await vm.run(look)).toBe(before);
    await expectNothingShown();
  });

  it("has lost the image it was pulled as runs on, and the preview shows what is missing", async () => {
    const id = await vm.run("docker images -q goblin-sandbox/workload");
    await vm.run("docker rmi -f goblin-sandbox/workload >/dev/null 2>&1 || true");
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    expect(await vm.run("docker ps --format '{{.Names}}'")).toContain("llamacpp\n");
    await expectShown(/^create sandbox-llamacpp-image$/m);
    // The sandbox has no registry to pull it from again.
    await vm.run(`docker tag ${id.trim()} goblin-sandbox/workload:latest`);
    await expectNothingShown();
  });
});
