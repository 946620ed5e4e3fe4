import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

/** Sends datagrams. */
export type SendDatagram = (
  text: string,
  to: { readonly address: string; readonly port: number },
) => Promise<void>;

/** Whether nobody listens at a port is told at once by the machine itself, and over a network somewhat later, or never. */
const REFUSAL_MILLISECONDS = 100;

/**
 * By UDP, over a socket of its own. That it resolves says that the datagram went out, and no more: nobody acknowledges it.
 * @throws Error where it is known not to have arrived: there is no way to the address, or nobody listens at the port
 */
export const sendDatagram: SendDatagram = (text, { address, port }) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    let timer: NodeJS.Timeout | undefined;
    const end = (error?: Error | null): void => {
      clearTimeout(timer);
      socket.removeAllListeners().on("error", () => undefined);
      socket.close();
      if (error instanceof Error) reject(error);
      else resolve();
    };
    socket.on("error", end);
    // Only a connected socket hears of a port that is closed.
    socket.connect(port, address, () => {
      socket.send(text, (error) => {
        if (error instanceof Error) end(error);
        else timer = setTimeout(end, REFUSAL_MILLISECONDS);
      });
    });
  });
