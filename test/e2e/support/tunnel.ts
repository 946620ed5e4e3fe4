import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { sshArguments } from "../../sandbox/ssh";
import type { Vm } from "../../sandbox/vm";
import { freePort } from "../../support/free-port";

const SOCKET = "/run/ai-resource-monitor/monitor.sock";

/** An ssh of its own that forwards ports for as long as it is open. */
class Forwarding {
  private readonly child: ChildProcess;

  protected constructor(vm: Vm, forwards: readonly string[]) {
    const options = ["-N", "-o", "ExitOnForwardFailure=yes", ...forwards];
    this.child = spawn("ssh", [...options, ...sshArguments(vm.files.sshConfig, "root", true)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  protected async until(isOpen: () => Promise<boolean>, what: string): Promise<void> {
    for (let left = 300; left > 0 && this.child.exitCode === null; left--) {
      if (await isOpen()) return;
      await sleep(200);
    }
    this.close();
    throw new Error(`there is no tunnel ${what}`);
  }

  close(): void {
    this.child.kill();
  }
}

/** A way to the guest's monitor, as docs/monitor.md tells people to make one: a port of this machine that leads to its socket. */
export class Tunnel extends Forwarding {
  private constructor(
    vm: Vm,
    readonly port: number,
  ) {
    super(vm, ["-L", `127.0.0.1:${port}:${SOCKET}`]);
  }

  static async open(vm: Vm): Promise<Tunnel> {
    const tunnel = new Tunnel(vm, await freePort());
    await tunnel.until(() => isOpen(tunnel.port), `to ${SOCKET} of ${vm.name}`);
    return tunnel;
  }
}

/** Ports of the guest's loopback that lead to those of this machine's with the same numbers. */
export class WayBack extends Forwarding {
  static async open(vm: Vm, ports: readonly number[]): Promise<WayBack> {
    const way = new WayBack(
      vm,
      ports.flatMap((port) => ["-R", `127.0.0.1:${port}:127.0.0.1:${port}`]),
    );
    const listening = `for port in ${ports.join(" ")}; do ss -Hltn "sport = :$port" | grep -q . || echo closed; done`;
    await way.until(async () => (await vm.run(listening)) === "", `back from ${vm.name}`);
    return way;
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
