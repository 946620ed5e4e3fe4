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

  for (const [name, { inject, shown }] of Object.entries(FAULTS)) {
    it(`${name} shows in the preview, runs again after up, and the next preview is empty`, async () => {
      await vm.run(`${inject} >/dev/null`);
      const preview = await watchedPreview(vm, MIXED);
      expect(preview.exitCode).toBe(7);
      const steps = preview.steps.filter(({ op }) => op !== "same").map(({ op, name: of }) => `${op} ${of}`);
      expect(steps.join("\n")).toMatch(shown);
      await deploy(vm, "up", { overrides: { ...MIXED, "goblin-host:observe": "required" } });
      expect(await get(vm, 8080, "/health")).toBe("ok\n");
      expect(await vm.run("docker ps --format '{{.Names}}' | sort")).toContain("llamacpp\n");
      const again = await watchedPreview(vm, MIXED);
      expect(again.steps.filter(({ op }) => op !== "same")).toEqual([]);
      expect(again.exitCode).toBe(0);
    });
  }

  it("has lost its image's name runs on", async () => {
    await vm.run("docker rmi -f goblin-sandbox/workload >/dev/null 2>&1 || true");
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    expect(await vm.run("docker ps --format '{{.Names}}'")).toContain("llamacpp\n");
  });
});
