import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderDockerEngine } from "../../../components/docker-engine/render";
import { DockerEngineSettings } from "../../../components/docker-engine/schema";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { renderModelStorage } from "../../../components/model-storage/render";
import { ModelsSettings } from "../../../components/model-storage/schema";
import type { SshResult } from "../../sandbox/ssh";
import type { Vm } from "../../sandbox/vm";
import { apply, applyAll, bundleText, installManager, settled } from "../support/bundles";
import { install, stepLines, steps } from "../support/crash";
import { activity, difference, fingerprint } from "../support/fingerprint";
import { describeInLong, itInLong, LONG } from "../support/long";
import { goTo, machine, SMALL_SIZE } from "../support/machine";

const CONFIG = "/etc/docker/daemon.json";
const READ_AHEAD = "/sys/block/vda/queue/read_ahead_kb";
const OURS = `{
  "data-root": "/var/lib/docker",
  "exec-opts": [
    "native.cgroupdriver=systemd"
  ],
  "labels": [
    "site=attic"
  ],
  "log-opts": {
    "labels": "team",
    "max-size": "10485760",
    "max-file": "3"
  },
  "max-concurrent-downloads": 2,
  "live-restore": true,
  "log-driver": "json-file"
}
`;

const docker = (settings: DockerEngineSettings = {}): Bundle =>
  settled(renderDockerEngine(DockerEngineSettings.parse(settings), "goblin-host:docker"));
const models = (
  settings: ModelsSettings = { readAhead: "4MiB", owner: "daemon:games", mode: "2775" },
): Bundle => renderModelStorage(ModelsSettings.parse(settings), "goblin-host:models");

let vm: Vm;
/** The owner's machine, which every removal gives back and every refusal leaves as it is. */
let before: string[];
let earner: string;

/** The container's process, its start and its state: the same twice means that it went on running. */
const container = (): Promise<string> =>
  vm.run("docker inspect -f '{{.State.Pid}} {{.State.StartedAt}} {{.State.Status}}' earner");
const dockerInfo = (): Promise<string> =>
  vm.run("docker info -f '{{.CgroupDriver}} {{.CgroupVersion}} {{.LiveRestoreEnabled}} {{.LoggingDriver}}'");
const verify = (): Promise<SshResult> => vm.ssh("ai-resource-manager verify");
const everything = async (): Promise<string[]> => [
  ...(await fingerprint(vm)),
  ...(
    await vm.run(`stat -c '%n %a %U:%G' /srv /srv/*; cat ${READ_AHEAD}; stat -c '%a %U:%G %Y' ${CONFIG}`)
  ).split("\n"),
];

/** Refused: nothing was changed, not even the store is there. */
async function expectRefused(bundle: Bundle, message: RegExp): Promise<void> {
  const earlier = await everything();
  const { code, stderr } = await apply(vm, bundle);
  expect(stderr).toMatch(message);
  expect(stderr).toContain(`error: bundle ${bundle.name} was not applied; nothing was changed`);
  expect(code).toBe(2);
  expect(difference(earlier, await everything())).toEqual([]);
}

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "clean");
  await installManager(vm, ["jq"]);
  await vm.run("bash -s", {
    stdin: readFileSync(join(import.meta.dirname, "../support/owners-docker.sh"), "utf8"),
  });
  before = await everything();
  earner = await container();
  await vm.snapshot("owner");
});

describe("a machine whose owner runs Docker", () => {
  it("gets our keys with the others kept, and its container runs on through dockerd's restart", async () => {
    const { code, stdout, stderr } = await apply(vm, docker());
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("  restarted docker.service\n");
    expect(await container()).toBe(earner);
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    expect(await vm.run(`cat ${CONFIG}`)).toBe(OURS);
    expect(await vm.run(`stat -c '%a %U:%G' ${CONFIG}; systemctl is-enabled docker`)).toBe(
      "640 root:root\nenabled\n",
    );
    // A container made from now on is in systemd's cgroups, with the log limits.
    const made = await vm.run(
      `docker run -d --network none --name new probe /usr/bin/sleep infinity >/dev/null
      cat /proc/$(docker inspect -f '{{.State.Pid}}' new)/cgroup; docker inspect -f '{{json .HostConfig.LogConfig.Config}}' new
      docker rm -f new >/dev/null`,
    );
    expect(made).toMatch(/^0::\/system\.slice\/docker-[0-9a-f]{64}\.scope\n/);
    expect(made).toContain('{"labels":"team","max-file":"3","max-size":"10485760"}');
  });

  it("gets the models' folder and the disk's read-ahead", async () => {
    await applyAll(vm, [models()]);
    expect(await vm.run(`stat -c '%a %U:%G' /srv/models; cat ${READ_AHEAD}`)).toBe(
      "2775 daemon:games\n4096\n",
    );
    expect(await verify()).toMatchObject({ code: 0, stdout: "2 bundles, 0 limits: all holds\n" });
    await vm.snapshot("with-docker");
  });

  it("is not touched by a second apply", async () => {
    const earlier = await activity(vm);
    for (const bundle of [docker(), models()]) {
      expect(await apply(vm, bundle)).toMatchObject({ code: 0, stdout: `${bundle.name}: unchanged\n` });
    }
    expect(await activity(vm)).toBe(earlier);
  });

  it("shows what somebody changed, and has it repaired without a stop of the container", async () => {
    await vm.run(
      `jq '."exec-opts" = ["native.cgroupdriver=cgroupfs"] | ."log-opts"."max-file" = "9" | .debug = true' ${CONFIG} >/run/new
      cat /run/new >${CONFIG}; systemctl restart docker; systemctl disable --quiet docker
      chmod 0700 /srv/models; chown root /srv/models; echo 128 >${READ_AHEAD}
      rm /etc/udev/rules.d/60-goblin-read-ahead.rules`,
    );
    const { code, stdout } = await verify();
    expect(code).toBe(3);
    expect(stdout.split("\n").sort()).toEqual([
      "",
      "docker: /etc/docker/daemon.json exec-opts[native.cgroupdriver]: declared native.cgroupdriver=systemd, on file native.cgroupdriver=cgroupfs (has another value)",
      'docker: /etc/docker/daemon.json log-opts.max-file: declared "3", on file "9" (has another value)',
      "docker: docker.service cgroupDriver: declared systemd, kernel cgroupfs (dockerd runs with another)",
      "docker: docker.service enabled: declared yes, on file disabled (is disabled)",
      "models: /etc/udev/rules.d/60-goblin-read-ahead.rules file: declared as applied, on file missing (missing)",
      "models: /srv/models mode: declared 2775, on file 2700 (is 2700)",
      "models: /srv/models owner: declared daemon:games, on file root:games (is root:games)",
      "models: vda readAhead: declared 4096 KiB, kernel 128 KiB (changed at run time)",
    ]);
    expect(await vm.ssh("ai-resource-manager apply --stored")).toMatchObject({ code: 0 });
    expect(await verify()).toMatchObject({ code: 0 });
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    expect(JSON.parse(await vm.run(`cat ${CONFIG}`))).toEqual({
      ...(JSON.parse(OURS) as object),
      debug: true,
    });
    expect(await container()).toBe(earner);
  });

  itInLong("takes another log limit by a restart, and no live-restore by a reload", async () => {
    await vm.reset("with-docker");
    const pid = await vm.run("systemctl show -P MainPID docker");
    const { code, stdout, stderr } = await apply(vm, docker({ liveRestore: false }));
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("  reloaded docker.service\n");
    expect(await vm.run("systemctl show -P MainPID docker")).toBe(pid);
    expect(await dockerInfo()).toBe("systemd 2 false json-file\n");
    // On again, and with a change that needs a restart: live-restore is in force before dockerd stops.
    await applyAll(vm, [docker({ logMaxFiles: 5 })]);
    expect(await vm.run("systemctl show -P MainPID docker")).not.toBe(pid);
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    expect(await container()).toBe(earner);
  });

  it("has all of it back after removal, and the container runs on", async () => {
    await vm.reset("with-docker");
    for (const name of ["models", "docker"]) {
      expect(await vm.ssh(`ai-resource-manager remove ${name}`)).toMatchObject({ code: 0 });
    }
    expect(difference(before, await everything())).toEqual([]);
    expect(await container()).toBe(earner);
    expect(await vm.run("docker info -f '{{.CgroupDriver}}'")).toBe("cgroupfs\n");
  });

  itInLong("keeps models that are in the folder, and what the owner added to the configuration", async () => {
    await vm.reset("with-docker");
    await vm.run(`touch /srv/models/a.gguf; jq '.debug = true' ${CONFIG} >/run/new; cat /run/new >${CONFIG}`);
    const { stdout } = await vm.ssh("ai-resource-manager remove models");
    expect(stdout).toContain("kept /srv/models: it holds data");
    // Below /run too, where what is nobody's goes with its folder.
    await applyAll(vm, [models({ path: "/run/models" })]);
    await vm.run("touch /run/models/b.gguf");
    expect((await vm.ssh("ai-resource-manager remove models")).stdout).toContain(
      "kept /run/models: it holds data",
    );
    expect(await vm.run("ls /run/models")).toBe("b.gguf\n");
    await vm.run("ai-resource-manager remove docker");
    expect(await vm.run("ls /srv/models; ls -d /var/lib/ai-resource-manager 2>&1 || true")).toMatch(
      /^a\.gguf\n.*No such/,
    );
    expect(JSON.parse(await vm.run(`cat ${CONFIG}`))).toEqual({
      "data-root": "/var/lib/docker",
      "exec-opts": ["native.cgroupdriver=cgroupfs"],
      labels: ["site=attic"],
      "log-opts": { labels: "team", "max-size": "50m" },
      "max-concurrent-downloads": 2,
      debug: true,
    });
  });

  itInLong("keeps the read-ahead over a reboot, by the rule alone", async () => {
    await vm.reset("with-docker");
    await vm.reboot();
    expect(await vm.run(`cat ${READ_AHEAD}; systemctl is-active docker`)).toBe("4096\nactive\n");
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    expect(await verify()).toMatchObject({ code: 0 });
  });
});

describeInLong("a run that is killed", () => {
  it(
    "around dockerd's restart is healed by the next, and the container runs on",
    { timeout: 1_800_000 },
    async () => {
      const both: Bundle = { ...docker(), ...models(), name: "crash" };
      await vm.reset("owner");
      await install(vm, { v1: bundleText(both) });
      await vm.snapshot("crash");
      const counted = await steps(vm, ["kill:0:apply:v1", "steps", "kill:0:remove", "steps", "fingerprint"]);
      const [first = [], removal = []] = counted.filter(({ step }) => step === "steps").map(stepLines);
      const at = (lines: readonly string[], step: RegExp): number => {
        const index = lines.findIndex((line) => step.test(line));
        expect(index, `${step}\n${lines.join("\n")}`).toBeGreaterThanOrEqual(0);
        return index + 1;
      };
      const restart = /systemctl "?(restart|\$1)"? /;
      const applying = [
        // daemon.json takes its place: the last file that does before its unit is enabled.
        first.slice(0, at(first, /systemctl enable/)).findLastIndex((line) => /mv -T -- /.test(line)) + 1,
        at(first, restart),
        at(first, restart) + 1,
      ];
      const removing = [at(removal, restart) + 1, at(removal, restart), at(removal, /systemctl reload/)];
      // Each takes a minute or two: dockerd starts in 20 s here.
      for (const k of LONG ? applying : applying.slice(1)) {
        await vm.reset("crash");
        const done = await steps(vm, [
          `kill:${k}:apply:v1`,
          "verify",
          "apply:v1",
          "verify",
          "remove",
          "fingerprint",
        ]);
        const told = done.map(({ step, status, output }) => `${step}: ${status}\n${output}`).join("\n");
        expect(
          done.map(({ status }) => status !== 0),
          told,
        ).toEqual([true, true, false, false, false, false]);
        expect(difference(before, [...(await everything())]), told).toEqual([]);
        expect(await container()).toBe(earner);
      }
      for (const k of LONG ? removing : removing.slice(0, 1)) {
        await vm.reset("crash");
        const done = await steps(vm, ["apply:v1", `kill:${k}:remove`, "verify", "remove"]);
        const told = done.map(({ step, status, output }) => `${step}: ${status}\n${output}`).join("\n");
        expect(
          done.map(({ status }) => status !== 0),
          told,
        ).toEqual([false, true, true, false]);
        expect(difference(before, await everything()), told).toEqual([]);
        expect(await container()).toBe(earner);
      }
    },
  );
});

describe("what cannot be applied", () => {
  beforeEach(() => vm.reset("owner"));

  itInLong("is refused by name, and nothing is changed: files", async () => {
    await vm.run(`sed -i '3i\\    // tuned by hand' ${CONFIG}`);
    await expectRefused(
      docker(),
      /^error: goblin-host:docker: \/etc\/docker\/daemon\.json cannot be merged with: it is no JSON: .* at line 3, column \d+\./m,
    );
    await vm.run(
      `echo '{"log-driver": "syslog", "log-opts": {"syslog-address": "udp://192.0.2.1"}}' >${CONFIG}`,
    );
    await expectRefused(
      docker(),
      /has log-opts\.syslog-address, which the log driver json-file does not know/,
    );
    await vm.run(`mv ${CONFIG} /etc/docker/mine.json; ln -s mine.json ${CONFIG}`);
    await expectRefused(docker(), /daemon\.json is no regular file/);
  });

  itInLong("is refused by name, and nothing is changed: flags of dockerd", async () => {
    await vm.run(
      `mkdir -p /etc/systemd/system/docker.service.d
      printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// --exec-opt native.cgroupdriver=cgroupfs\\n' >/etc/systemd/system/docker.service.d/cgroups.conf
      systemctl daemon-reload`,
    );
    await expectRefused(
      docker(),
      /^error: goblin-host:docker: \/etc\/systemd\/system\/docker\.service\.d\/cgroups\.conf gives dockerd the flag --exec-opt, which is set in \/etc\/docker\/daemon\.json too/m,
    );
    await vm.run(
      `rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload
      echo 'DOCKER_OPTS="--log-driver=journald"' >>/etc/default/docker`,
    );
    await expectRefused(docker(), /\/etc\/default\/docker gives dockerd the flag --log-driver/);
  });

  itInLong("is refused by name, and nothing is changed: dockerd itself", async () => {
    await vm.run("docker swarm init --advertise-addr 127.0.0.1 >/dev/null");
    await expectRefused(docker(), /^error: goblin-host:docker\.liveRestore: this host is in a swarm/m);
    await vm.run("systemctl kill --kill-whom=main --signal=STOP docker");
    await expectRefused(docker(), /^error: dockerd runs and does not answer/m);
    await vm.run("systemctl kill --kill-whom=main --signal=CONT docker");
  });

  itInLong("is refused by name, and nothing is changed: a second Docker", async () => {
    await vm.run(
      `mkdir -p /var/tmp/ce/DEBIAN; printf 'Package: docker-ce\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.com>\\nDescription: stand-in\\n' >/var/tmp/ce/DEBIAN/control
      dpkg-deb -b /var/tmp/ce /var/tmp/ce.deb >/dev/null; dpkg --force-conflicts -i /var/tmp/ce.deb >/dev/null 2>&1`,
    );
    await expectRefused(docker(), /^error: docker\.io and docker-ce are both installed/m);
    await vm.run("dpkg --purge docker-ce >/dev/null");
    await applyAll(vm, [docker()]);
    await vm.run("dpkg --force-conflicts -i /var/tmp/ce.deb >/dev/null 2>&1");
    expect(await verify()).toMatchObject({
      code: 3,
      stdout:
        "docker: docker.io package: declared one of the two, on file docker.io and docker-ce (installed are docker.io and docker-ce)\n",
    });
  });

  itInLong("is refused by name, and nothing is changed: the models' folder", async () => {
    await expectRefused(
      models({ mount: "required", owner: "nobody:no-such-group", readAhead: "4MiB" }),
      /^error: goblin-host:models\.mount: "required", but nothing is mounted at \/srv\/models[^]*^error: goblin-host:models\.owner: this host has no group "no-such-group"/m,
    );
    await expectRefused(
      models({ path: "/run/models", readAhead: "4MiB" }),
      /^error: goblin-host:models\.readAhead: \/run\/models is on tmpfs \(mounted at \/run\), which has no disk/m,
    );
    await vm.run("touch /srv/models");
    await expectRefused(
      models(),
      /^error: goblin-host:models\.path: \/srv\/models is a regular-?.*file, not a folder/m,
    );
    await vm.run("rm /srv/models; ln -s /tmp /srv/models");
    await expectRefused(
      models(),
      /^error: goblin-host:models\.path: \/srv\/models is a symbolic link, not a folder/m,
    );
  });

  itInLong("holds on a mount of its own, and its absence is drift", async () => {
    await vm.run("mkdir /srv/models; mount -t tmpfs none /srv/models");
    await applyAll(vm, [models({ mount: "required" })]);
    await vm.run("umount /srv/models");
    expect(await verify()).toMatchObject({
      code: 3,
      stdout: "models: /srv/models mount: declared a mount of its own, kernel / (nothing is mounted there)\n",
    });
  });

  itInLong("is rolled back when dockerd does not start, with what it said", async () => {
    await vm.run(`systemctl stop docker.socket docker; echo '{"no-such-key": 1}' >${CONFIG}`);
    const earlier = await everything();
    const { code, stderr } = await apply(vm, docker());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: bundle docker: docker\.service did not re?start: .*no-such-key/m);
    expect(difference(earlier, await everything())).toEqual([]);
  });
});

describeInLong("a machine without Docker", () => {
  const PURGE = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge docker.io >/dev/null 2>&1";

  beforeAll(async () => {
    await vm.reset("owner");
    await vm.run(
      `docker rm -f earner >/dev/null; systemctl stop docker.socket docker; cp /var/cache/apt/archives/docker.io_*.deb /var/tmp 2>/dev/null || (cd /var/tmp && apt-get -qq download docker.io >/dev/null 2>&1)
      rm ${CONFIG}; ${PURGE}; rm -rf /var/lib/docker /etc/docker`,
    );
    await vm.snapshot("bare");
  });

  it("gets Debian's, which goes again with its bundle", async () => {
    const earlier = await fingerprint(vm);
    const { code, stdout, stderr } = await apply(vm, docker());
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("  installing docker.io\n");
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    await vm.run("tar -c -C /etc hostname | docker import - kept >/dev/null");
    await vm.snapshot("installed");
    await vm.run("docker rmi kept >/dev/null; ai-resource-manager remove docker");
    // What the package's purge leaves is not ours: docker's group, and what dockerd wrote beside our file.
    expect(
      difference(earlier, await fingerprint(vm)).filter(
        (line) => !/group|gshadow|\/etc\/docker(\/key\.json)?$/.test(line),
      ),
    ).toEqual([]);
    expect(
      await vm.run("dpkg-query -W -f '${db:Status-Status}' docker.io 2>/dev/null || echo absent"),
    ).toMatch(/^(absent\n|not-installed)$/);
  });

  it("keeps it while there is anything in it, because a purge would delete that", async () => {
    await vm.reset("installed");
    const { code, stdout } = await vm.ssh("ai-resource-manager remove docker");
    expect(stdout).toContain(
      "kept package docker.io: /var/lib/docker has 1 images, which its purge would delete",
    );
    expect(code).toBe(0);
    expect(
      await vm.run(`docker images -q kept | wc -l; systemctl is-active docker; ls ${CONFIG} 2>&1 || true`),
    ).toMatch(/^1\nactive\n.*No such file/);
  });

  it("with Docker CE keeps that and gets no other", async () => {
    await vm.reset("bare");
    await vm.run(
      `dpkg-deb -R /var/tmp/docker.io_*.deb /var/tmp/ce; sed -i -e 's/^Package: .*/Package: docker-ce/' -e '/^Conflicts:/d' /var/tmp/ce/DEBIAN/control
      dpkg-deb -Znone -b /var/tmp/ce /var/tmp/ce.deb >/dev/null; dpkg -i /var/tmp/ce.deb >/dev/null 2>&1`,
    );
    await applyAll(vm, [docker()]);
    expect(
      await vm.run(
        "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' docker.io docker-ce 2>/dev/null || true",
      ),
    ).toMatch(/^docker-ce installed\n(docker\.io not-installed\n)?$/);
    expect(await dockerInfo()).toBe("systemd 2 true json-file\n");
    await vm.run("ai-resource-manager remove docker");
    expect(await vm.run("dpkg-query -W -f '${db:Status-Status}' docker-ce")).toBe("installed");
  });

  it("and with a package mirror that has none is told so", async () => {
    await vm.reset("bare");
    await vm.run("rm -rf /var/lib/apt/lists/*; rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*");
    const { code, stderr } = await apply(vm, docker());
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: bundle docker: package (apparmor|docker\.io) cannot be installed: no package of that name/m,
    );
    expect(await vm.run("ls -d /etc/docker 2>&1 || true")).toContain("No such file");
  });
});
