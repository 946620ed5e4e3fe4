import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerImages } from "../../sandbox/base-image";
import type { Vm } from "../../sandbox/vm";
import { Webhook } from "../../support/webhook";
import { describeInLong, itInLong } from "../support/long";
import { SAMPLE } from "../../monitor/specification-sample";
import { deploy, get, goTo, machine, SMALL_SIZE, tryDeploy } from "../support/machine";
import { MIXED } from "../support/small-host";
import { WayBack } from "../support/tunnel";

const MiB = 1024 ** 2;
const ALERTS = "/var/log/ai-monitoring/alerts.log";
/** docs/monitor.md, "Budget". */
const RSS_BUDGET_MIB = 70;
/** The default of `monitor.cpus`, in cores. */
const DEFAULT_CPUS = 0.1;

/** What loads of a guest of 2 GiB reach, and what it stays well below when it is idle. */
const THRESHOLDS = { memory: 60, cpu: 60, disk: 80, swap: 40, service: 70, pressure: 100 };

const support = (file: string): string =>
  readFileSync(join(import.meta.dirname, "..", "support", file), "utf8");

let vm: Vm;

interface Measured {
  memory: { usedBytes: number; totalBytes: number };
  swap: { devices: { device: string; sizeBytes: number; usedBytes: number }[] };
  filesystem: { usedBytes: number; usedRatio: number };
  services: {
    name: string;
    memory: {
      usageBytes: number;
      usedBytes: number;
      usedRatio: number;
      workingSetBytes: number;
      limitBytes: number;
    };
    cpu: { usageSeconds: number; usedRatio: number; limitCores: number };
  }[];
}

/** Collects, and returns what the host's command then prints. */
const collected = async (option: string): Promise<string> =>
  vm.run(`ai-resource-monitor --collect >/dev/null; ai-resource-monitor ${option}`);
const metric = async (name: string): Promise<number> =>
  Number(await vm.run(`ai-resource-monitor --prometheus | grep '^airm_${name} ' | cut -d ' ' -f 2`));
const lines = async (command: string): Promise<string[]> =>
  (await vm.run(command)).split("\n").filter((line) => line !== "");

/** Waits for a command to succeed, and throws what it last printed when it does not. */
const until = (command: string, seconds: number): Promise<string> =>
  vm.run(
    `for i in $(seq ${seconds}); do { ${command}; } >/run/until 2>&1 && exit; sleep 1; done; cat /run/until; exit 1`,
    { timeoutSeconds: seconds * 3 },
  );

/** alerts.log without its times and numbers. */
const alertKinds = async (): Promise<string[]> =>
  (await lines(`cat ${ALERTS}`)).map((line) =>
    line.replace(/^[0-9-]+ [0-9:]+ /, "").replace(/(?<=: |at )[0-9].*$/, "N"),
  );

/** The collector's process as the kernel sees it. */
const rssMiB = async (): Promise<number> =>
  Number(
    await vm.run(
      `awk '/^VmRSS/ { print $2 / 1024 }' /proc/$(docker inspect -f '{{.State.Pid}}' ai-resource-monitor)/status`,
    ),
  );

/** The CPU time that it has on a host. The sandbox gives it more, to start with: it would take two minutes for that. */
const limitCpus = (): Promise<string> =>
  vm.run(
    `docker update --cpus ${DEFAULT_CPUS} ai-resource-monitor && grep -qx "${DEFAULT_CPUS * 100_000} 100000" /sys/fs/cgroup/airm.slice/docker-*.scope/cpu.max`,
  );

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
});

describe("the monitor of a host", () => {
  it("prints the specification's sample, line for line", async () => {
    const form = (text: string): string =>
      text
        .replace(/[0-9.]+(?:[KMGT]?B)?/g, "N")
        .split("\n")
        .sort()
        .join("\n");
    // A service that has just started has no CPU share yet: that takes two looks.
    await collected("--display");
    await sleep(1000);
    // The services come in the order of their names.
    expect(form(await collected("--display"))).toBe(form(SAMPLE));
  });

  it("agrees with the host's own tools while a known load runs", async () => {
    // Longer than the two collections below are apart on a slow machine.
    await deploy(vm, "up", { overrides: { ...MIXED, "goblin-host:monitor.interval": "60s" } });
    await get(vm, 11434, "/allocate?mib=120");
    await get(vm, 8080, "/allocate?mib=80");
    await get(vm, 8080, "/burn?seconds=120");
    // The monitor's last interval and the kernel's count over the same: no other collection may lie between the two.
    const counts = (
      await vm.run(
        `count() {
          ai-resource-monitor --collect >/dev/null
          cat /sys/fs/cgroup/ai.slice/ai-llamacpp.slice/cpu.stat /proc/uptime
          n=$(ai-resource-monitor --prometheus | sed -n 's/^airm_collections_total //p')
        }
        for attempt in $(seq 10); do
          # A sample that is younger than 5 s when the next comes is not what that is compared with.
          sleep 6
          count >/run/first; before=$n
          sleep 6
          count >/run/second
          [ "$n" -eq "$((before + 1))" ] && break
        done
        [ "$n" -eq "$((before + 1))" ] || { echo "each time another collection lay between the two" >&2; exit 1; }
        cat /run/first; echo ==; cat /run/second
        echo ==; ai-resource-monitor --json`,
        { timeoutSeconds: 300 },
      )
    ).split("==\n");
    const [first = "", second = "", interval = ""] = counts;
    const [json = "", ...tools] = (
      await vm.run(
        `ai-resource-monitor --collect >/dev/null; ai-resource-monitor --json; echo
        echo ==; free -b
        echo ==; df -B1 --output=used,pcent /srv/models
        echo ==; swapon --show=NAME,SIZE,USED --bytes --noheadings
        echo ==; systemctl show -p MemoryCurrent --value ollama
        echo ==; docker stats --no-stream --format '{{.CPUPerc}} {{.MemUsage}}' llamacpp
        echo ==; systemctl show -p CPUUsageNSec --value ollama`,
        { timeoutSeconds: 120 },
      )
    ).split("==\n");
    const [free = "", df = "", swapon = "", ollama = "", stats = "", cpu = ""] = tools;
    const seen = JSON.parse(json) as Measured;
    const near = (value: number, other: number | undefined, tolerance: number, what: string): void => {
      expect(Math.abs(value - (other ?? NaN)), `${what}: ${value} and ${other}`).toBeLessThanOrEqual(
        tolerance,
      );
    };
    const service = (name: string, report = seen) => {
      const found = report.services.find((one) => one.name === name);
      if (found === undefined) throw new Error(`no service ${name} in ${json}`);
      return found;
    };

    const [, total, , , , , available] = (/^Mem:.*$/m.exec(free)?.[0] ?? "").split(/\s+/).map(Number);
    expect(seen.memory.totalBytes).toBe(total);
    near(seen.memory.usedBytes, (total ?? NaN) - (available ?? NaN), 48 * MiB, "memory");
    const [used, percent] = (df.trim().split("\n").at(-1) ?? "")
      .trim()
      .split(/\s+/)
      .map((word) => parseInt(word, 10));
    near(seen.filesystem.usedBytes, used, 16 * MiB, "disk");
    // df rounds up.
    near(seen.filesystem.usedRatio * 100, percent, 1, "disk's percentage");
    const devices = swapon
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    expect(seen.swap.devices.map(({ device, sizeBytes }) => [device, sizeBytes]).sort()).toEqual(
      devices.map(([device, size]) => [device, Number(size)]).sort(),
    );
    for (const [device, , inUse] of devices) {
      const measured = seen.swap.devices.find((one) => one.device === device)?.usedBytes;
      near(measured ?? NaN, Number(inUse), 8 * MiB, `${device} in use`);
    }
    near(service("ollama").memory.usageBytes, Number(ollama), 4 * MiB, "ollama's memory");
    near(service("ollama").cpu.usageSeconds, Number(cpu) / 1e9, 2, "ollama's CPU seconds");
    const [, perCent, number, unit] = /^([0-9.]+)% ([0-9.]+)([KMG]i)B/.exec(stats) ?? [];
    const factor = { Ki: 1024, Mi: MiB, Gi: 1024 * MiB }[unit ?? ""] ?? NaN;
    near(service("llamacpp").memory.workingSetBytes, Number(number) * factor, 4 * MiB, "llamacpp's memory");
    expect(service("llamacpp").cpu.limitCores).toBe(0.5);
    const counted = (text: string) => ({
      busy: Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) / 1e6,
      at: Number(text.trim().split("\n").at(-1)?.split(" ")[0]),
    });
    const [from, to] = [counted(first), counted(second)];
    const cores = (to.busy - from.busy) / (to.at - from.at);
    const share = service("llamacpp", JSON.parse(interval) as Measured).cpu.usedRatio;
    near(share * 0.5, cores, 0.05, "llamacpp's cores, and its cgroup's");
    // docker says percent of a core, over another second of a machine that may be busy with more than this one.
    near(share * 50, Number(perCent), 25, "llamacpp's CPU, and docker's");
  });

  it("raises each threshold's alert once and ends it once, and stays small and in time meanwhile", async () => {
    await goTo(vm, "applied", MIXED);
    await deploy(vm, "up", { overrides: { ...MIXED, "goblin-host:thresholds": THRESHOLDS } });
    await vm.run("ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime; ai-resource-monitor --collect");
    await limitCpus();
    expect(await lines(`cat ${ALERTS} 2>/dev/null || true`)).toEqual([]);
    const missed = await metric("missed_intervals_total");

    await vm.run("cat >/run/pattern.pl", { stdin: support("pattern.pl") });
    await vm.run("cat >/run/threshold-loads.sh", { stdin: support("threshold-loads.sh") });
    await vm.run("bash /run/threshold-loads.sh start");
    await get(vm, 11434, "/allocate?mib=200");
    await get(vm, 8080, "/allocate?mib=150");
    const expected = [
      "High CPU usage: N",
      "High disk usage (/srv/models): N",
      "High memory usage: N",
      "High swap usage: N",
      "Service llamacpp memory usage at N",
      "Service ollama memory usage at N",
    ];
    await until(`cat ${ALERTS}; [ "$(grep -c ALERT ${ALERTS})" -ge ${expected.length} ]`, 240);
    expect(await vm.run("ai-resource-monitor --collect")).toMatch(/High CPU usage[^]*Service ollama/);
    // More rounds, in which nothing is said again.
    await sleep(30_000);
    expect((await alertKinds()).sort()).toEqual(expected.map((kind) => `ALERT: ${kind}`));
    const rss = await rssMiB();

    await vm.run("bash /run/threshold-loads.sh stop");
    for (const port of [11434, 8080]) await get(vm, port, "/release");
    await until(`cat ${ALERTS}; [ "$(grep -c RESOLVED ${ALERTS})" -ge ${expected.length} ]`, 120);
    await sleep(20_000);
    expect((await alertKinds()).sort()).toEqual(
      ["ALERT", "RESOLVED"].flatMap((phase) => expected.map((kind) => `${phase}: ${kind}`)),
    );
    // In the host's own time, although the container has no time zone.
    const [first = ""] = await lines(`head -n 1 ${ALERTS}; TZ=Asia/Tokyo date '+%F %T'`);
    const [now = ""] = await lines("TZ=Asia/Tokyo date '+%F %T'");
    expect(Math.abs(Date.parse(now) - Date.parse(first.slice(0, 19)))).toBeLessThan(15 * 60_000);
    expect(await vm.run("ai-resource-monitor --collect")).toBe("Firing: none\n");

    expect(await metric("missed_intervals_total")).toBe(missed);
    expect(Math.max(rss, await rssMiB()), "RSS in MiB").toBeLessThanOrEqual(RSS_BUDGET_MIB);
  });

  itInLong("does not grow and misses no interval in 20 minutes", { timeout: 2_700_000 }, async () => {
    await goTo(vm, "applied", MIXED);
    // V8's heap grows until its first full collection of garbage, after some 180 of ours (measured): that is no leak.
    for (let round = 0; round < 12; round++)
      await vm.run("for i in $(seq 20); do ai-resource-monitor --collect >/dev/null; done", {
        timeoutSeconds: 400,
      });
    await limitCpus();
    const measured: number[] = [];
    await sleep(60_000);
    const missed = await metric("missed_intervals_total");
    for (let minute = 0; minute <= 20; minute++) {
      measured.push(await rssMiB());
      await sleep(60_000);
    }
    expect(await metric("missed_intervals_total"), "missed intervals").toBe(missed);
    expect(Math.max(...measured), measured.join(" ")).toBeLessThanOrEqual(RSS_BUDGET_MIB);
    const mean = (part: readonly number[]): number => part.reduce((sum, x) => sum + x, 0) / part.length;
    expect(mean(measured.slice(-5)) - mean(measured.slice(0, 5)), measured.join(" ")).toBeLessThan(3);
  });
});

describe("who is told by an address that is a secret of the stack's", () => {
  const FILE = "/etc/ai-resource-monitor/credentials/webhook.url";
  const secrets = ["goblin-host:monitorCredentials"];
  let webhook: Webhook;
  let wayBack: WayBack;

  beforeAll(async () => {
    await goTo(vm, "applied", MIXED);
    webhook = await Webhook.start();
    wayBack = await WayBack.open(vm, [webhook.port]);
  });
  afterAll(() => {
    wayBack.close();
    webhook.stop();
  });

  const told = (path?: string) => ({
    secrets,
    overrides: {
      ...MIXED,
      "goblin-host:monitor.alerts.for": "1s",
      ...(path === undefined
        ? {}
        : { "goblin-host:monitorCredentials.webhook": `http://127.0.0.1:${webhook.port}/${path}` }),
    },
  });
  const untilPosted = async (wanted: string, body: RegExp): Promise<void> => {
    const isPosted = () => webhook.posted.some((one) => one.path === wanted && body.test(one.body));
    for (let left = 180; left > 0 && !isPosted(); left--) await sleep(1000);
    expect(isPosted(), JSON.stringify(webhook.posted)).toBe(true);
  };

  it("hears of an alert and of its end, by the address of that moment, and nobody else learns it", async () => {
    await deploy(vm, "up", told("hunter2"));
    expect(await vm.run(`stat -c '%a %u:%g' ${FILE}`)).toBe("400 65532:65532\n");
    expect(
      await vm.run(
        `{ docker inspect ai-resource-monitor; cat /etc/ai-resource-monitor/config.json; ps -eo args; journalctl -b --no-pager; } | grep -c '[h]unter2' || true`,
      ),
    ).toBe("0\n");
    await vm.run("systemctl stop local-llm-proxy");
    await untilPosted("/hunter2", /"firing".*local-llm-proxy is not running/);
    const started = await vm.run("docker inspect -f '{{.Id}} {{.State.StartedAt}}' ai-resource-monitor");
    await deploy(vm, "up", told("hunter3"));
    await vm.run("systemctl start local-llm-proxy");
    await untilPosted("/hunter3", /"resolved".*local-llm-proxy/);
    expect(await vm.run("docker inspect -f '{{.Id}} {{.State.StartedAt}}' ai-resource-monitor")).toBe(
      started,
    );
    await deploy(vm, "up", told());
    expect(await vm.run(`ls ${FILE} 2>&1 || true`)).toContain("No such file");
  });
});

describeInLong("the monitor, when something is wrong with its host", () => {
  beforeAll(() => goTo(vm, "applied", MIXED));

  it("keeps alerts for a full disk, and writes them once there is room", async () => {
    await vm.run(
      `fallocate -l $(df -B1 --output=avail /var/log | tail -n 1) /var/tmp/filler 2>/dev/null
      cat /dev/zero >/var/tmp/filler2 2>/dev/null || test "$(df --output=avail /var/log | tail -n 1)" -eq 0`,
    );
    await until("ai-resource-monitor --prometheus | grep -q '^airm_alert_log_errors_total [1-9]'", 150);
    expect(await vm.run("ai-resource-monitor --alerts")).toContain("High disk usage (/srv/models): 100%");
    expect(await vm.run(`cat ${ALERTS} 2>/dev/null || true`)).not.toContain("High disk");
    await vm.run("rm -f /var/tmp/filler*");
    await until(`grep -q 'RESOLVED: High disk usage' ${ALERTS}`, 60);
    expect(await alertKinds()).toEqual([
      "ALERT: High disk usage (/srv/models): N",
      "RESOLVED: High disk usage (/srv/models): N",
    ]);
  });

  it("tells of a service that is down, and of one that the kernel killed in", async () => {
    await goTo(vm, "applied", MIXED);
    await vm.run("systemctl stop local-llm-proxy");
    await get(vm, 11434, "/allocate?mib=400").catch(() => undefined);
    await until(`grep -q 'ALERT: Service local-llm-proxy is not running' ${ALERTS}`, 180);
    await until(`grep -q 'ALERT: Service ollama: the kernel killed 1 of its processes' ${ALERTS}`, 60);
    await vm.run("systemctl start local-llm-proxy");
    await until(`grep -q 'RESOLVED: Service local-llm-proxy is running' ${ALERTS}`, 60);
    expect(await alertKinds()).not.toContainEqual(expect.stringContaining("outside the services"));
  });

  it("takes a model that fits for no memory in use, and tells of one that does not", async () => {
    await goTo(vm, "applied", MIXED);
    const group = "/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service";
    // Who reads a page first is charged for it, not who wrote the file. Of `$$` systemd would make `$`.
    const readIn = (mib: number, seconds: number, readers: number) => `
      head -c ${mib}M /dev/urandom >/var/tmp/model
      sync /var/tmp/model; echo 1 >/proc/sys/vm/drop_caches
      for reader in $(seq ${readers}); do
        systemd-run --quiet --collect --unit=reader-$reader -p RuntimeMaxSec=${seconds} /bin/sh -c \
          'echo $$$$ >${group}/cgroup.procs; while :; do cat /var/tmp/model >/dev/null; done'
      done`;
    await vm.run(readIn(160, 240, 1), { timeoutSeconds: 120 });
    await until(`[ $(cat ${group}/memory.current) -gt ${155 * MiB} ]`, 120);
    const { services } = JSON.parse(await collected("--json")) as Measured;
    const memory = services.find(({ name }) => name === "ollama")?.memory;
    expect(memory?.usageBytes).toBeGreaterThan(150 * MiB);
    expect(memory?.usedRatio).toBeLessThan(0.3);
    await vm.run("systemctl stop 'reader-*'");
    await vm.run(readIn(400, 240, 4), { timeoutSeconds: 120 });
    await until(
      `grep 'ALERT: Service ollama waits for memory' ${ALERTS} || { cat ${group}/memory.pressure; grep workingset_refault_file ${group}/memory.stat; false; }`,
      200,
    );
    await vm.run("systemctl stop 'reader-*'; rm /var/tmp/model");
    await until(`grep -q 'RESOLVED: Service ollama waits for memory' ${ALERTS}`, 120);
  });

  it("collects on over a step of the clock", async () => {
    await vm.run("date --set='+1 year' >/dev/null");
    const [year = ""] = await lines("date +%Y");
    expect(await vm.run("ai-resource-monitor --display")).toContain("Memory: ");
    expect(await collected("--display")).toContain(`Timestamp: ${year}-`);
    await vm.run("date --set='-1 year' >/dev/null");
    expect(await collected("--display")).toContain(`Timestamp: ${Number(year) - 1}-`);
    expect(await vm.run("ai-resource-monitor --collect")).toBe("Firing: none\n");
  });

  it("lets no second collector in, and says who is at work", async () => {
    const { code, stderr } = await vm.ssh(
      "docker exec ai-resource-monitor node /usr/local/lib/ai-resource-monitor/ai-resource-monitor.js serve",
    );
    expect(stderr).toMatch(/another collector/i);
    expect(code).toBe(4);
    expect(await collected("--display")).toContain("Memory: ");
  });

  it("makes its socket and its folder anew when somebody removes them", async () => {
    await vm.run("rm -r /run/ai-resource-monitor/*");
    expect(await vm.ssh("ai-resource-monitor --display")).toMatchObject({ code: 3 });
    await until("ai-resource-monitor --display && test -S /run/ai-resource-monitor/monitor.sock", 90);
  });

  it("reports a mount that hangs, collects on, and so does the manager", async () => {
    await vm.run("cat >/run/hung-mount.pl", { stdin: support("hung-mount.pl") });
    await vm.run(
      `systemd-run --quiet --collect --unit=hung perl /run/hung-mount.pl /srv/models 300
      for i in $(seq 50); do grep -q ' /srv/models ' /proc/mounts && exit; sleep 0.2; done; exit 1`,
    );
    await until("ai-resource-monitor --display | grep '^Disk (/srv/models): [^0-9]'", 60);
    const shown = await collected("--display");
    expect(shown).toMatch(/^Memory: \d+%/m);
    expect(shown).toMatch(/^Disk \(\/srv\/models\): .*(no answer|hangs)/m);
    await until(`grep -q 'ALERT: Disk (/srv/models) cannot be measured: no answer' ${ALERTS}`, 150);
    const { code, stdout } = await vm.ssh("timeout 120 ai-resource-manager verify", { timeoutSeconds: 150 });
    expect(stdout).toContain("models: /srv/models folder: declared present, on file hung (is hung)");
    expect(code).toBe(3);
    await vm.run("systemctl stop hung");
    await until("ai-resource-monitor --display | grep '^Disk (/srv/models): [0-9]'", 60);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  it("is not built on an image without Node.js, by name and with what to do; nothing has changed", async () => {
    const before = await lines("docker ps -q --no-trunc; docker images -q goblin-host/monitor");
    const failed = await tryDeploy(vm, "up", {
      overrides: { ...MIXED, "goblin-host:monitor.baseImage": dockerImages.workload },
    });
    expect(failed.exitCode).toBe(1);
    expect(failed.diagnostics.map(({ message }) => message).join("\n")).toMatch(
      /has no Node\.js 20 or later\. Choose one that has: pulumi config set --path .goblin-host:monitor\.baseImage/,
    );
    expect(await lines("docker ps -q --no-trunc; docker images -q goblin-host/monitor")).toEqual(before);
    expect(await collected("--display")).toContain("Memory: ");
  });

  it("says so, and how to see why, when its container is down", async () => {
    await vm.run("docker stop ai-resource-monitor >/dev/null");
    const { code, stderr } = await vm.ssh("AIRM_WAIT=2 ai-resource-monitor --collect");
    expect(stderr).toMatch(
      /has not collected within 2 s\.\n.*docker ps -a --filter name=ai-resource-monitor/,
    );
    expect(code).toBe(1);
    await until("! ai-resource-monitor --display", 60);
    expect((await vm.ssh("ai-resource-monitor --display")).stderr).toMatch(
      /the last collection is \d+ s old/,
    );
    await deploy(vm, "up", { overrides: MIXED });
    // It starts at a tenth of an emulated core.
    await until("ai-resource-monitor --collect && ai-resource-monitor --display | grep '^Memory: '", 90);
  });
});
