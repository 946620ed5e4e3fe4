import { linesOf, parseCount, ParseError } from "./text";

/** What a network interface did since it is there. */
export interface Interface {
  readonly device: string;
  readonly receivedBytes: number;
  readonly receiveErrors: number;
  readonly receiveDrops: number;
  readonly transmittedBytes: number;
  readonly transmitErrors: number;
  readonly transmitDrops: number;
}

/** /proc/PID/net/dev (proc_pid_net(5)): the interfaces of the process's network namespace. */
export function parseNetDev(text: string): Interface[] {
  const [, , ...lines] = linesOf(text);
  return lines.map((line) => {
    // A name may hold any character but a blank and a slash; a number may follow its colon at once.
    const [, device = "", rest = ""] = /^\s*(\S+):\s*([0-9].*)$/.exec(line) ?? [];
    const fields = rest.split(/\s+/);
    const at = (index: number): number => {
      const count = parseCount(fields[index]);
      if (count === undefined) throw new ParseError(`net/dev has a line that is not whole: ${line.trim()}`);
      return count;
    };
    return {
      device,
      receivedBytes: at(0),
      receiveErrors: at(2),
      receiveDrops: at(3),
      transmittedBytes: at(8),
      transmitErrors: at(10),
      transmitDrops: at(11),
    };
  });
}

/**
 * What tells nothing of the host's own: loopback, and the host's ends of containers' and virtual machines' networks, whose bytes
 * are counted at the real interface once more. A bond and the interfaces in it are both there, as is a VLAN.
 */
export function isHostsOwn({ device }: Pick<Interface, "device">): boolean {
  return !/^(lo|veth.*|docker[0-9]+|br-[0-9a-f]{12}|virbr.*|vnet[0-9]+|tap.*|cni.*|cali.*|flannel.*|cilium.*|lxc.*|podman[0-9]+|dummy[0-9]+|ifb[0-9]+)$/.test(
    device,
  );
}
