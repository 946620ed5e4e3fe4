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

/** What OpenSSH 9.2 says. */
const CHANGED = [
  "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
  "The fingerprint for the ED25519 key sent by the remote host is",
  "SHA256:n9dsM3WDvLFeI0CMm1xxmrvlJt6cjZ3kzxGvwU7b7aE.",
  "Host key verification failed.",
].join("\r\n");

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
      /compare ssh jump@\[2001:db8::1\]:2222 ssh-keyscan -t ed25519 10\.0\.0\.5 with/,
    ],
    [
      "another bastion's key",
      BEHIND,
      `${CHANGED}\r\nConnection closed by UNKNOWN port 65535`,
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
      "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\nConnection closed by UNKNOWN port 65535",
      "forwarding",
      /^jump@\[2001:db8::1\]:2222 lets no connection through$/,
      /AllowTcpForwarding yes, and PermitOpen 10\.0\.0\.5:22$/,
    ],
    [
      "a host that the bastion does not reach",
      BEHIND,
      "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\nConnection closed by UNKNOWN port 65535",
      "unreachable",
      /^stdio forwarding failed; Connection closed by UNKNOWN port 65535$|Connection refused/,
      /./,
    ],
    [
      "an ssh that is too old",
      HOST,
      "command-line: line 0: Bad configuration option: knownhostscommand",
      "program",
      /older than OpenSSH 8\.5$/,
      /^try: ssh root@203\.0\.113\.10 true$/,
    ],
    ["nothing", HOST, "", "unreachable", /^the connection was lost without a word$/, /./],
  ];
  it.each(cases)("tells %s", async (_, target, said, kind, message, advice) => {
    const error = await explainFailure({ ...target, agent: await runAgent(makeKey().privateKey) }, said);
    expect(error.kind).toBe(kind);
    expect(error.message).toMatch(message);
    expect(whenRefused(error, target)).toMatch(advice);
  });
});

describe("a host behind a bastion", () => {
  it("is told as people type it", () => {
    expect(hopText({ ...HOST, address: "2001:db8::1" })).toBe("root@2001:db8::1");
    expect(location(BEHIND)).toBe("root@10.0.0.5 through jump@[2001:db8::1]:2222");
    expect(sshCommand(BEHIND)).toBe("ssh -J jump@[2001:db8::1]:2222 root@10.0.0.5");
  });
});
