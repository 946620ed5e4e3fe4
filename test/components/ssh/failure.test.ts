import { describe, expect, it } from "vitest";
import { whenRefused } from "../../../components/observation/advice";
import { explainFailure } from "../../../components/ssh/failure";
import { runAgent } from "../../../components/ssh/agent";
import { hopText, location, sshCommand, type SshTarget } from "../../../components/ssh/target";
import { makeKey } from "../../sandbox/engine/testing/ssh-server";

const HOST_KEY = makeKey().publicKey;
const HOST: SshTarget = { address: "203.0.113.10", port: 22, user: "root", hostKey: HOST_KEY };
const BEHIND: SshTarget = {
  ...HOST,
  address: "10.0.0.5",
  proxyJump: { address: "2001:db8::1", port: 2222, user: "jump", hostKey: HOST_KEY },
};

/** What OpenSSH 9.2 says, after a banner that begins as it likes. */
const CHANGED = [
  "Our key: SHA256:bannerbannerbannerbannerbannerbannerbanner",
  "administratively prohibited",
  "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
  "The fingerprint for the ED25519 key sent by the remote host is",
  "SHA256:n9dsM3WDvLFeI0CMm1xxmrvlJt6cjZ3kzxGvwU7b7aE.",
  "Host key verification failed.",
].join("\r\n");

/** What follows where the connection that goes through ended. */
const CLOSED =
  "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535";

describe("what ssh says when it fails", () => {
  const cases: [
    what: string,
    target: SshTarget,
    said: string,
    kind: string,
    message: RegExp,
    advice: RegExp,
  ][] = [
    [
      "another host's key",
      HOST,
      CHANGED,
      "host key",
      /^its host key is SHA256:n9dsM3WDvLFeI0CMm1xxmrvlJt6cjZ3kzxGvwU7b7aE, not SHA256:\S{43}$/,
      /compare ssh-keyscan -t ed25519 203\.0\.113\.10 with .* set hostKey$/,
    ],
    [
      "a key of another type",
      BEHIND,
      "Unable to negotiate with UNKNOWN port 65535: no matching host key type found. Their offer: ssh-rsa",
      "host key",
      /^it has no host key of the type ssh-ed25519$/,
      /compare ssh -p 2222 jump@2001:db8::1 ssh-keyscan -t ed25519 10\.0\.0\.5 with/,
    ],
    [
      "another bastion's key",
      BEHIND,
      `${CHANGED}\r\n${CLOSED}`,
      "host key",
      /^jump@\[2001:db8::1\]:2222: its host key is SHA256:n9ds/,
      /compare ssh-keyscan -t ed25519 -p 2222 2001:db8::1 with .* set proxyJump\.hostKey$/,
    ],
    [
      "too many keys",
      HOST,
      "Received disconnect from 203.0.113.10 port 22:2: Too many authentication failures\r\nDisconnected from 203.0.113.10 port 22",
      "too many keys",
      /^the login as root was refused: too many keys were tried \(MaxAuthTries\), and the ssh-agent has 1$/,
      /^load the one that it accepts, in an agent of its own/,
    ],
    [
      "too many keys, through a bastion",
      BEHIND,
      "Received disconnect from UNKNOWN port 65535:2: Too many authentication failures\r\nDisconnected from UNKNOWN port 65535",
      "too many keys",
      /^the login as root was refused/,
      /^load the one/,
    ],
    [
      "a bastion that forwards nothing",
      BEHIND,
      `channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n${CLOSED}`,
      "forwarding",
      /^jump@\[2001:db8::1\]:2222 lets no connection through$/,
      /AllowTcpForwarding yes, and PermitOpen 10\.0\.0\.5:22$/,
    ],
    [
      "a host that the bastion does not reach",
      BEHIND,
      `channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n${CLOSED}`,
      "unreachable",
      /^channel 0: open failed: connect failed: Connection refused$/,
      /^try: ssh -J jump@\[2001:db8::1\]:2222 root@10\.0\.0\.5 true$/,
    ],
    [
      "a bastion that does not answer",
      BEHIND,
      `ssh: connect to host 2001:db8::1 port 2222: Connection timed out\r\n${CLOSED}`,
      "unreachable",
      /^ssh: connect to host 2001:db8::1 port 2222: Connection timed out$/,
      /./,
    ],
    [
      "a security key that nobody touched",
      HOST,
      "sign_and_send_pubkey: signing failed for ED25519-SK from agent: agent refused operation\r\nroot@203.0.113.10: Permission denied (publickey).",
      "login",
      /^the login as root was refused: the key is accepted, but sign_and_send_pubkey: .* agent refused operation$/,
      /./,
    ],
    [
      "a second factor",
      BEHIND,
      `jump@2001:db8::1: Permission denied (keyboard-interactive).\r\n${CLOSED}`,
      "login",
      /^jump@\[2001:db8::1\]:2222: the login as jump was refused: it wants more than a key \(keyboard-interactive\)$/,
      /./,
    ],
    [
      "a key that is not known there",
      HOST,
      "root@203.0.113.10: Permission denied (publickey).",
      "login",
      /^the login as root was refused: the private key is not accepted \(ED25519\)$/,
      /^allow that key in ~root\/\.ssh\/authorized_keys, or give another/,
    ],
    [
      "a machine without the command for known hosts",
      HOST,
      'Could not stat KnownHostsCommand-HOSTNAME "/bin/echo": No such file or directory\r\nNo ED25519 host key is known for 203.0.113.10 and you have requested strict checking.\r\nHost key verification failed.',
      "program",
      /^this machine's ssh says: Could not stat KnownHostsCommand/,
      /^see what it does: ssh -V/,
    ],
    [
      "a user without a name",
      HOST,
      "No user exists for uid 1234",
      "program",
      /No user exists for uid 1234$/,
      /./,
    ],
    [
      "an ssh that is too old",
      HOST,
      "command-line: line 0: Bad configuration option: knownhostscommand",
      "program",
      /older than OpenSSH 8\.5$/,
      /^see what it does: ssh -V/,
    ],
    ["nothing", HOST, "", "unreachable", /^the connection was lost without a word$/, /./],
  ];
  it.each(cases)("tells %s", async (_, target, said, kind, message, advice) => {
    const looked = { ...target, agent: await runAgent(makeKey().privateKey) };
    const error = await explainFailure(looked, said);
    expect(error.message).toMatch(message);
    expect(error.kind).toBe(kind);
    expect(whenRefused(error, looked)).toMatch(advice);
  });
});

describe("a host behind a bastion", () => {
  it("is told as people type it", () => {
    expect(hopText({ ...HOST, address: "2001:db8::1" })).toBe("root@2001:db8::1");
    expect(location(BEHIND)).toBe("root@10.0.0.5 through jump@[2001:db8::1]:2222");
    expect(sshCommand(BEHIND)).toBe("ssh -J jump@[2001:db8::1]:2222 root@10.0.0.5");
    const usual = { ...BEHIND, proxyJump: { ...HOST, address: "2001:db8::1" } };
    expect(sshCommand(usual)).toBe("ssh -J root@[2001:db8::1]:22 root@10.0.0.5");
  });
});
