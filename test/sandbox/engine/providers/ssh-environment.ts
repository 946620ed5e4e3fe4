/**
 * Whether a server takes an environment variable. ssh2 sends them without asking for a reply, and a refused variable
 * would go unseen where the real provider fails; so the request is made with a reply, and the replies are collected.
 */

import type { Client } from "ssh2";

interface Internals {
  _protocol?: { env(channel: number, name: string, value: string, wantReply: boolean): void };
  _chanMgr?: { get(channel: number): { _callbacks: ((failed: boolean) => void)[] } | undefined };
}

/** The names refused so far by the server of this client; complete once the command has started. */
export function environmentReplies(client: Client): Set<string> {
  const refused = new Set<string>();
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Internals;
  if (protocol === undefined || channels === undefined)
    throw new Error("ssh2 has changed: no access to env replies");
  const original = Object.getPrototypeOf(protocol) as NonNullable<Internals["_protocol"]>;
  protocol.env = (channel, name, value): void => {
    channels.get(channel)?._callbacks.push((failed) => {
      if (failed) refused.add(name);
    });
    original.env.call(protocol, channel, name, value, true);
  };
  return refused;
}
