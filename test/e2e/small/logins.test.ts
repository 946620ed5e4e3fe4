/** Logins as they are: agents with keys of all kinds, a bastion, and a root whose shell is nobody's default. */
import { readFileSync } from "node:fs";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { observe } from "../../../components/observation/observe";
import type { SshHop } from "../../../components/ssh/target";
import { withAgent } from "../../sandbox/agent";
import type { EngineResult } from "../../sandbox/engine";
import { readEnforcement } from "../../sandbox/enforcement";
import { closeConnections } from "../../sandbox/ssh";
import { withKeys } from "../support/keys";
import { describeInLong } from "../support/long";
import { deploy, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { MIXED } from "../support/small-host";

const vm = machine(SMALL_SIZE);
const HOST = "goblin-host:hosts.sandbox";
const WATCHED = { ...MIXED, "goblin-host:observe": "required" };

/** The machine as it is reached from here. */
const direct = (): SshHop => ({
  address: "127.0.0.1",
  port: vm.state.sshPort,
  user: "root",
  hostKey: vm.hostKey,
});

const refusal = ({ exitCode, diagnostics }: EngineResult): string => {
  expect(exitCode).toBe(1);
  return diagnostics.map(({ message }) => message).join("\n");
};

/** What sshd said since, without what is done here to ask. */
const journal = (since: string): Promise<string> => vm.run(`journalctl -u ssh -o cat --since '${since}'`);
const now = async (): Promise<string> => (await vm.run("sleep 1; date '+%F %T'")).trim();
const count = (text: string, pattern: RegExp): number => text.match(new RegExp(pattern, "g"))?.length ?? 0;

/**
 * Connections of an ssh. It names itself before it reads anything; what hung up without a word is the sandbox asking whether sshd
 * greets, which QEMU may deliver seconds after the asker gave up.
 */
const connections = (seen: string): number =>
  count(seen, /Connection from /) -
  count(seen, /kex_exchange_identification: Connection closed by remote host/);

beforeAll(async () => {
  await goTo(vm, "clean");
  await vm.run("echo 'LogLevel VERBOSE' >/etc/ssh/sshd_config.d/30-verbose.conf; systemctl reload ssh");
});

describe("an agent", () => {
  it("with keys that the host does not know is refused once, and nothing is tried after it", async () => {
    const since = await now();
    await withKeys(2, async (keys) => {
      const said = refusal(await tryDeploy(vm, "up", { overrides: WATCHED, keys }));
      expect(said).toContain(
        "the login as root was refused: none of the ssh-agent's 2 keys is accepted (ED25519)",
      );
      expect(said).toContain("load the key that it accepts: ssh-add KEY");
    });
    const seen = await journal(since);
    expect(connections(seen), seen).toBe(1);
    expect(count(seen, /Failed publickey/), seen).toBe(2);
  });

  it("with too many keys before the right one is refused once, with the way out", async () => {
    const since = await now();
    await withKeys(7, async (keys) => {
      const said = refusal(
        await tryDeploy(vm, "up", { overrides: WATCHED, keys: [...keys, vm.files.clientKey] }),
      );
      expect(said).toContain("too many keys were tried (MaxAuthTries), and the ssh-agent has 8");
      expect(said).toContain('in an agent of its own: eval "$(ssh-agent)"; ssh-add KEY');
    });
    const seen = await journal(since);
    expect(connections(seen), seen).toBe(1);
    expect(count(seen, /maximum authentication attempts exceeded/), seen).toBe(1);
  });

  it("with the right key among others is asked for no more than it takes", async () => {
    const since = await now();
    await withKeys(2, async (keys) =>
      withAgent([...keys, vm.files.clientKey], async (agent) => {
        expect(await observe({ ...direct(), agent })).toMatchObject({ kind: "absent" });
      }),
    );
    const seen = await journal(since);
    expect(connections(seen), seen).toBe(1);
    expect(count(seen, /Failed publickey/), seen).toBe(2);
  });

  it("with a certificate is let in where the host knows who signs", async () => {
    await withKeys(2, async ([authority = "", key = ""]) => {
      await execa("ssh-keygen", ["-q", "-s", authority, "-I", "someone", "-n", "root", `${key}.pub`]);
      await vm.run(
        "cat >/etc/ssh/ca.pub; echo 'TrustedUserCAKeys /etc/ssh/ca.pub' >/etc/ssh/sshd_config.d/40-ca.conf; systemctl reload ssh",
        { stdin: readFileSync(`${authority}.pub`) },
      );
      await withAgent(key, async (agent) => {
        expect(await observe({ ...direct(), agent })).toMatchObject({ kind: "absent" });
      });
    });
  });
});

describe("a login shell that prints", () => {
  it("is refused by name before anything is applied", async () => {
    await goTo(vm, "clean");
    await vm.run(
      "cp -a /root/.bashrc /root/.bashrc.was 2>/dev/null; echo 'echo Welcome to the attic' >/root/.bashrc",
    );
    const said = refusal(await tryDeploy(vm, "up", { overrides: WATCHED }));
    expect(said).toContain('the login shell of root prints "Welcome to the attic"');
    expect(await vm.run("test ! -e /usr/local/sbin/ai-resource-manager && echo untouched")).toContain(
      "untouched",
    );
  });
});

describeInLong(
  "a host behind a bastion, whose root has fish, a umask, a banner and no /tmp to run from",
  () => {
    let overrides: Record<string, unknown>;

    beforeAll(async () => {
      await goTo(vm, "clean");
      // The machine is its own bastion.
      const proxyJump = { ...direct(), user: "operator" };
      overrides = { ...WATCHED, [`${HOST}.proxyJump`]: proxyJump, [`${HOST}.port`]: 22 };
      await vm.run(SETUP, { timeoutSeconds: 600 });
      // A connection that there is goes on with the shell that root had.
      await closeConnections(vm.files.sshConfig);
    });

    it("takes the stack, containers and all", async () => {
      expect(await vm.run("echo $FISH_VERSION (umask)")).toMatch(/^3\.\S+ 0077$/m);
      expect(await vm.run("tc qdisc show")).toMatch(/netem .*delay 200ms loss 2%/);
      await deploy(vm, "up", { overrides });
      expect((await readEnforcement(vm)).filter(({ verdict }) => verdict !== "ok")).toEqual([]);
      expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
      expect(await vm.run("docker ps --format '{{.Names}}'")).toContain("llamacpp");
    });

    it("is not changed by a second up, and gives everything back", async () => {
      expect(ran(await deploy(vm, "up", { overrides }))).toEqual([]);
      await deploy(vm, "destroy", { overrides });
      expect(await vm.run("test -e /usr/local/sbin/ai-resource-manager; echo $status")).toBe("1\n");
    });

    it("says which of the two did not let us in", async () => {
      await vm.run("echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/05-no.conf; systemctl reload ssh");
      const said = refusal(await tryDeploy(vm, "preview", { overrides }));
      expect(said).toContain(`operator@127.0.0.1:${vm.state.sshPort} lets no connection through`);
      expect(said).toContain("AllowTcpForwarding yes, and PermitOpen 127.0.0.1:22");
    });
  },
);

/** In bash, while root's shell is that still. */
const SETUP = `
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -q -y --no-install-recommends fish >/dev/null
mkdir -p /root/.config/fish
echo 'umask 077; set -gx LANG de_DE.UTF-8; set -gx LC_ALL de_DE.UTF-8' >/root/.config/fish/config.fish
echo 'Authorized people only.' >/etc/issue.net
echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/30-banner.conf
mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs /tmp
mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs /var/tmp
mount -o remount,hidepid=2 /proc
tc qdisc add dev "$(ip -o route get 10.0.2.2 | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')" root netem delay 200ms loss 2%
systemctl reload ssh
usermod --shell /usr/bin/fish root
`;
