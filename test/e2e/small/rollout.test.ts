import { beforeEach, expect, it } from "vitest";
import { describeInLong } from "../support/long";
import { deploy, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { mainPids } from "../support/reach";
import { SERVICE, SMALL } from "../support/small-host";

const vm = machine(SMALL_SIZE);
const SERVICES = { ...SMALL, "goblin-host:workloads.llamacpp": SERVICE };
const NAMES = ["ollama", "llamacpp", "local-llm-proxy"] as const;
/** What systemd started it with; a stand-in that names itself overwrites what /proc shows of that. */
const environment = (name: string): Promise<string> =>
  vm.run(`systemctl show -p Environment --value ${name} | tr ' ' '\\n' | grep ROUND || true`);

/** A change for which every service must restart. */
const round = (value: string): Record<string, unknown> =>
  Object.fromEntries(NAMES.map((name) => [`goblin-host:workloads.${name}.environment.ROUND`, value]));

/** When the services started, in the order of that. */
const starts = async (): Promise<string[]> => {
  const shown = await vm.run(`systemctl show -p Id,ExecMainStartTimestampMonotonic ${NAMES.join(" ")}`);
  return shown
    .trim()
    .split("\n\n")
    .map(
      (text) =>
        [Number(/Monotonic=(\d+)/.exec(text)?.[1]), /Id=(.*)\.service/.exec(text)?.[1] ?? ""] as const,
    )
    .sort(([a], [b]) => a - b)
    .map(([, name]) => name);
};

describeInLong("a deployment for which services must restart", () => {
  beforeEach(() => goTo(vm, "applied", SERVICES));

  it("restarts one after the other, the most important first, each well before the next", async () => {
    const pids = await Promise.all(NAMES.map((name) => mainPids(vm, [name])));
    const result = await deploy(vm, "up", { overrides: { ...SERVICES, ...round("two") } });
    expect(ran(result)).toEqual(expect.arrayContaining(NAMES.map((name) => `workload-${name}`)));
    expect(await starts()).toEqual([...NAMES]);
    for (const [index, name] of NAMES.entries()) expect(await mainPids(vm, [name])).not.toBe(pids[index]);
    for (const name of NAMES) expect(await environment(name)).toBe("ROUND=two\n");
    const said = result.diagnostics.map(({ message }) => message).join("\n");
    expect(said).toMatch(/restarted llamacpp\.service[^]*llamacpp\.service: healthy after \d+ s/);
  });

  it("stops at the first that does not become well, puts that one back, and leaves the rest alone", async () => {
    const untouched = await mainPids(vm, ["local-llm-proxy"]);
    const failed = await tryDeploy(vm, "up", {
      overrides: {
        ...SERVICES,
        ...round("two"),
        "goblin-host:workloads.llamacpp.health": { http: "http://127.0.0.1:9/health", timeout: "5s" },
      },
    });
    expect(failed.exitCode).toBe(1);
    const said = failed.diagnostics.map(({ message }) => message).join("\n");
    expect(said).toMatch(
      /llamacpp\.service did not become healthy within 5 s[^]*workload-llamacpp: rolling back to generation 1[^]*was rolled back/,
    );
    expect(await environment("ollama")).toBe("ROUND=two\n");
    expect(await environment("llamacpp")).toBe("");
    expect(await mainPids(vm, ["local-llm-proxy"])).toBe(untouched);
    await deploy(vm, "up", { overrides: { ...SERVICES, ...round("three") } });
    for (const name of NAMES) expect(await environment(name)).toBe("ROUND=three\n");
  });

  it("is watched afterwards: the monitor names it, and reports when the time is over", async () => {
    const id = await vm.run(
      'sed \'s/.*"id": "\\([^"]*\\)".*/\\1/\' /run/ai-resource-manager/deployment.json',
    );
    expect(id.trim()).toMatch(/^\d{8}T\d{6}Z$/);
    await vm.run("ai-resource-monitor --collect >/dev/null");
    expect(await vm.run("ai-resource-monitor --prometheus | grep '^airm_deployment_watched'")).toBe(
      `airm_deployment_watched{deployment="${id.trim()}"} 1\n`,
    );
    expect(await vm.run("ai-resource-monitor --prometheus | grep -c '^airm_limit_enforced.* 1$'")).toMatch(
      /^[1-9]\d\n$/,
    );
    // The history has a record a minute.
    await vm.run("sleep 75", { timeoutSeconds: 200 });
    await vm.run("date --set='+25 hours' >/dev/null; ai-resource-monitor --collect >/dev/null");
    expect(await vm.run(`cat /var/log/ai-monitoring/deployments/${id.trim()}.txt`)).toMatch(
      /^Deployment \d{8}T\d{6}Z of [^]*\nmemory +[^]*alerts raised/,
    );
    expect(await vm.run("ai-resource-monitor --prometheus | grep '^airm_deployment_watched' || true")).toBe(
      "",
    );
  });

  it("shows in the audit, which finds what nobody needs any more", async () => {
    await vm.run(
      `systemctl start ai-orphan.slice; cp /etc/fstab /etc/systemd/system/x.service.backup.20260101T000000
      systemctl start ai-resource-audit-weekly.service; systemctl stop ai-resource-audit-weekly.timer`,
    );
    const report = await vm.run("cat /var/log/ai-resource-manager/weekly-*.txt");
    expect(report).toMatch(/^Audit of /);
    expect(report).toContain("  swap: applied once\n");
    expect(report).not.toContain("container ");
    expect(report).toMatch(/^Limits: [1-9]\d enforced, \d+ inert, 0 unsupported$/m);
    expect(report).toContain("slice ai-orphan.slice belongs to no bundle: systemctl stop ai-orphan.slice");
    expect(report).toContain(
      "backup /etc/systemd/system/x.service.backup.20260101T000000 belongs to nothing",
    );
    expect(await vm.run("ai-resource-manager audit --since yesterday")).toMatch(
      /found +manager: ai-resource-audit-weekly\.timer active: declared active, kernel inactive/,
    );
    expect(await vm.run("ai-resource-manager backups")).toMatch(/^version .* sound +swap@1$/m);
  });
});
