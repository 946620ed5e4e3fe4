import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineResult } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { deploy, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { MIXED } from "../support/small-host";

const MiB = 1024 ** 2;
const DATA = "/var/lib/goblin-prometheus";
const SECRET_CONFIG = "/etc/goblin-host/credentials/alertmanager.yml";

/** A monitor that can be scraped, and nobody who does. */
const OFF = { ...MIXED, "goblin-host:monitor.listen": "127.0.0.1:9465" };
const ON = { ...OFF, "goblin-host:prometheus.enabled": true };
/** The same where the monitor asks for a word, and somebody is told. */
const TOLD = {
  secrets: ["goblin-host:prometheusCredentials"],
  overrides: {
    ...ON,
    "goblin-host:monitor.access.token": "/etc/ai-resource-monitor/listen.token",
    "goblin-host:monitor.alerts.for": "1s",
    "goblin-host:prometheusCredentials.webhook": "http://127.0.0.1:9099/hunter2",
  },
};

const RECEIVER = readFileSync(join(import.meta.dirname, "../support/receiver.pl"), "utf8");

let vm: Vm;

const said = ({ diagnostics }: EngineResult): string =>
  diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    .join("\n");

/** Waits for a command to succeed, and throws what it last printed when it does not. */
const until = (command: string, seconds: number): Promise<string> =>
  vm.run(
    `for i in $(seq ${seconds}); do { ${command}; } >/run/until 2>&1 && exit; sleep 1; done; cat /run/until; exit 1`,
    { timeoutSeconds: seconds * 4 },
  );

/** In the guest: what Prometheus answers to a query. */
const query = (text: string): string =>
  `exec 3<>/dev/tcp/127.0.0.1/9090 && printf 'GET %s HTTP/1.0\\r\\n\\r\\n' '/api/v1/query?query=${encodeURIComponent(text)}' >&3 && sed '1,/^\\r$/d' <&3`;

/** Waits until both its targets are up, at a scrape that begins now or later: they are 30 s apart. */
async function untilUp(): Promise<void> {
  const now = (await vm.run("date +%s")).trim();
  await until(
    `${query(`timestamp(up == 1) > ${now}`)} >/run/up; test "$(grep -o '"instance":"sandbox"' /run/up | wc -l)" = 2`,
    180,
  );
}

/** Without what the monitor writes by itself meanwhile, and what the manager remembers of each deployment. */
const shown = async (): Promise<string[]> =>
  (await fingerprint(vm)).filter((line) => !/ \/var\/lib\/ai-resource-(monitor|manager)\b/.test(line));

const runs = (): Promise<string> =>
  vm.run("systemctl show -p Id,InvocationID,ActiveState prometheus prometheus-alertmanager");

let before: string[];

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
  await deploy(vm, "up", { overrides: OFF });
  before = await shown();
});

describe("Prometheus and Alertmanager on a host", () => {
  it("are refused where its owner has a Prometheus, and nothing of the host changes", async () => {
    await vm.run(
      `printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/prometheus.service
      systemctl daemon-reload && systemctl enable --now -q prometheus`,
    );
    const owners = await shown();
    const run = await runs();
    const refused = await tryDeploy(vm, "up", { overrides: ON });
    expect(refused.exitCode).toBe(1);
    expect(said(refused)).toContain(
      "goblin-host:prometheus.listen: prometheus.service of this host's owner is active and is enabled and has a file of its own, /etc/systemd/system/prometheus.service, and this would take its place.",
    );
    expect(said(refused)).toContain("pulumi config set --path 'goblin-host:prometheus.enabled' false");
    expect(said(refused)).toContain("error: bundle prometheus-stack was not applied; nothing was changed");
    expect(difference(owners, await shown())).toEqual([]);
    expect(await runs()).toBe(run);
    await vm.run(
      "systemctl disable --now -q prometheus; rm /etc/systemd/system/prometheus.service; systemctl daemon-reload",
    );
  });

  it("are refused where something else has their port", async () => {
    await vm.run("systemd-run --quiet --unit=other /opt/goblin-sandbox/workload.pl other 9093");
    await until(": </dev/tcp/127.0.0.1/9093", 60);
    const refused = await tryDeploy(vm, "up", { overrides: ON });
    expect(refused.exitCode).toBe(1);
    expect(said(refused)).toContain(
      `goblin-host:prometheus.alertmanager.listen: "127.0.0.1:9093": something listens there already (ss -Hltnp 'sport = :9093').`,
    );
    await vm.run("systemctl stop other");
    expect(difference(before, await shown())).toEqual([]);
  });

  it("come inside their limits, listen on loopback, and scrape the monitor", async () => {
    const result = await deploy(vm, "up", { overrides: ON });
    expect(ran(result)).toEqual(["prometheus-stack"]);
    const cgroup = (unit: string, files: string): Promise<string> =>
      vm.run(`cd /sys/fs/cgroup/prometheus.slice/${unit} && cat ${files}`);
    const FILES = "memory.max memory.high memory.low memory.swap.max cpu.max pids.max";
    const limits = (...numbers: (number | string)[]): string => numbers.map((one) => `${one}\n`).join("");
    expect(await cgroup("", "memory.max memory.low")).toBe(limits(480 * MiB, 120 * MiB));
    expect(await cgroup("prometheus.service", FILES)).toBe(
      limits(384 * MiB, 256 * MiB, 96 * MiB, 192 * MiB, "50000 100000", 128),
    );
    expect(await cgroup("prometheus-alertmanager.service", FILES)).toBe(
      limits(96 * MiB, 64 * MiB, 24 * MiB, 48 * MiB, "20000 100000", 128),
    );
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    // Each runs as Debian's user, with the limits that Go knows; nobody else has come along.
    expect(
      await vm.run(
        "for u in prometheus prometheus-alertmanager; do p=$(systemctl show -P MainPID $u); stat -c %U /proc/$p; tr '\\0' '\\n' </proc/$p/environ | grep ^GOMEM; done",
      ),
    ).toBe("prometheus\nGOMEMLIMIT=230MiB\nprometheus\nGOMEMLIMIT=57MiB\n");
    expect(await vm.run("ss -Hltn 'sport >= :9090 and sport <= :9100' | awk '{ print $4 }' | sort")).toBe(
      "127.0.0.1:9090\n127.0.0.1:9093\n",
    );
    expect(await vm.run("dpkg-query -W -f '${Package}\\n'")).not.toContain("exporter");
    // Debian's own configuration is as it came, and its folders are empty.
    expect(
      await vm.run("dpkg --verify prometheus prometheus-alertmanager; find /var/lib/prometheus -type f"),
    ).not.toMatch(/\/etc\/|\/var\/lib\//);
    await untilUp();
    expect(await vm.run(query("airm_memory_total_bytes"))).toContain('"instance":"sandbox"');
    // What the kernel counts beside RSS, while nobody asks for anything.
    console.log(
      await vm.run(
        "cd /sys/fs/cgroup/prometheus.slice; for u in prometheus prometheus-alertmanager; do echo $u: memory.current $(($(<$u.service/memory.current) / 1048576)) MiB of $(($(<$u.service/memory.high) / 1048576)), RSS $(awk '/^VmRSS/ { print int($2 / 1024) }' /proc/$(systemctl show -P MainPID $u)/status) MiB; done",
      ),
    );
  });

  it("are applied a second time without a change", async () => {
    const run = await runs();
    const again = await deploy(vm, "up", { overrides: ON, expectNoChanges: true });
    expect(ran(again)).toEqual([]);
    expect(await vm.run("ai-resource-manager apply --stored")).toContain("prometheus-stack: unchanged\n");
    expect(await runs()).toBe(run);
  });

  it("show the monitor its word, and tell a webhook, by files that no user else reads", async () => {
    await vm.run(
      `printf 'a-word-of-many-characters\\n' | install -o 65532 -m 0400 /dev/stdin /etc/ai-resource-monitor/listen.token
      install -m 0755 /dev/stdin /run/receiver.pl`,
      { stdin: RECEIVER },
    );
    await vm.run("systemd-run --quiet --unit=receiver perl /run/receiver.pl 9099 /run/received");
    await deploy(vm, "up", TOLD);
    expect(await vm.run(`stat -c '%a %u:%g' ${SECRET_CONFIG}`)).toBe("400 0:0\n");
    expect(
      await vm.run(
        `{ cat /etc/goblin-host/prometheus/* /etc/systemd/system/prometheus*/*; ps -eo args; journalctl -b --no-pager; } | grep -cE '[h]unter2|[a]-word-of' || true`,
      ),
    ).toBe("0\n");
    const others = await vm.ssh(
      "setpriv --reuid=65534 --regid=65534 --clear-groups cat /run/credentials/prometheus.service/monitor-token",
    );
    expect(others.code).not.toBe(0);
    await untilUp();
    await vm.run("systemctl stop local-llm-proxy");
    await until("grep -q '^/hunter2 .*AirmServiceDown.*local-llm-proxy' /run/received", 240);
    await vm.run("systemctl start local-llm-proxy");
    expect(await vm.run("grep -c AirmHeartbeat /run/received || true")).toBe("0\n");
    await vm.run("systemctl stop receiver");
  });

  itInLong("run again after a reboot, with what they had measured", async () => {
    await vm.reboot();
    await until("systemctl is-active -q prometheus && systemctl is-active -q prometheus-alertmanager", 120);
    await untilUp();
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    expect(await vm.run(query("count_over_time(up[1h])"))).toContain('"instance":"sandbox"');
  });

  it("go, and leave what they have measured, Debian's user, and nothing else", async () => {
    const result = await deploy(vm, "up", { overrides: OFF });
    expect(ran(result).slice(-2)).toEqual(["prometheus-stack", "prometheus-credentials"]);
    expect(await vm.run(`stat -c %U ${DATA}/metrics; getent passwd prometheus | cut -d : -f 6`)).toBe(
      "prometheus\n/var/lib/prometheus\n",
    );
    await vm.run(`rm -r ${DATA} /etc/ai-resource-monitor/listen.token`);
    // Debian's scripts make the user and do not remove it; account files are then other ones.
    const left = difference(before, await shown()).filter(
      (line) => !/ \/etc\/(passwd|group|shadow|gshadow)$/.test(line),
    );
    expect(left).toEqual([]);
    expect(
      await vm.run(
        "systemctl list-units --all --plain --no-legend 'prometheus*'; find /run/credentials -name 'prometheus*' 2>/dev/null || true",
      ),
    ).toBe("");
  });
});
