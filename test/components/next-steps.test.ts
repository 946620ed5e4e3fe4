import { expect, it } from "vitest";
import { nextSteps } from "../../components/goblin-host/next-steps";

const HOST = { address: "203.0.113.10", port: 22, user: "root" };
const page = (listen?: { address: string; port: number }) => ({
  listen,
  setting: "goblin-host:hosts.goblin.monitor.listen",
});
const last = (...args: Parameters<typeof nextSteps>): string | undefined => nextSteps(...args).at(-1);

it("reaches the page by the monitor's socket as root, with port and bastion as for every other command", () => {
  expect(nextSteps(HOST, page())).toEqual([
    "what the kernel enforces: ssh root@203.0.113.10 ai-resource-manager verify --table",
    "what happened at boot: ssh root@203.0.113.10 journalctl -u ai-resource-manager",
    "what has changed on the host: ssh root@203.0.113.10 ai-resource-manager verify",
    "the monitor's page: ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:9900:/run/ai-resource-monitor/monitor.sock root@203.0.113.10, then open http://127.0.0.1:9900/",
  ]);
  const proxyJump = { address: "2001:db8::1", port: 2222, user: "jump" };
  expect(last({ ...HOST, port: 2200, proxyJump }, page())).toBe(
    "the monitor's page: ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:9900:/run/ai-resource-monitor/monitor.sock -J jump@[2001:db8::1]:2222 -p 2200 root@203.0.113.10, then open http://127.0.0.1:9900/",
  );
});

it("as another user by the address that the monitor has, or with the setting that gives it one", () => {
  const user = { ...HOST, user: "deploy" };
  expect(last(user, page({ address: "127.0.0.1", port: 9465 }))).toBe(
    "the monitor's page: ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:9900:127.0.0.1:9465 deploy@203.0.113.10, then open http://127.0.0.1:9900/",
  );
  expect(last(HOST, page({ address: "fd00::7", port: 9465 }))).toContain(
    "-L 127.0.0.1:9900:[fd00::7]:9465 root@",
  );
  expect(last(user, page())).toBe(
    "the monitor's page: only root may open the monitor's socket: pulumi config set --path 'goblin-host:hosts.goblin.monitor.listen' 127.0.0.1:9465, then pulumi up says how to reach it",
  );
});
