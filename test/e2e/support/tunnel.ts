import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sshArguments } from "../../sandbox/ssh";
import type { Vm } from "../../sandbox/vm";
import { freePort } from "../../support/free-port";

const SOCKET = "/run/ai-resource-monitor/monitor.sock";

/** A way to the guest's monitor, as docs/monitor.md tells people to make one: a port of this machine that leads to its socket. */
export class Tunnel {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async open(vm: Vm): Promise<Tunnel> {
    const port = await freePort();
    const options = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", `127.0.0.1:${port}:${SOCKET}`];
    const child = spawn("ssh", [...options, ...sshArguments(vm.files.sshConfig, "root", true)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const tunnel = new Tunnel(port, child);
    for (let left = 300; left > 0; left--) {
      if (child.exitCode !== null) break;
      if (await isOpen(port)) return tunnel;
      await sleep(200);
    }
    tunnel.close();
    throw new Error(`there is no tunnel to ${SOCKET} of ${vm.name}`);
  }

  close(): void {
    this.child.kill();
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}
