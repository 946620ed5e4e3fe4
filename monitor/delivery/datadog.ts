import type { SendDatagram } from "./datagrams";
import { alertDatagram, upDatagram } from "./dogstatsd";
import type { QueuedEvent } from "./event-queue";
import type { Attempt } from "./outcome";
import type { Telling } from "./sink";

/** Datadog, by its agent on this host or in a private network. What went out was sent; whether it arrived, nobody says. */
export class Datadog {
  constructor(
    private readonly agent: { readonly address: string; readonly port: number },
    private readonly send: SendDatagram,
  ) {}

  async tell(event: QueuedEvent, host: string): Promise<Attempt> {
    await this.send(alertDatagram(event, host), this.agent);
    return { outcome: "sent" };
  }

  async isUp({ time, host }: Telling): Promise<Attempt> {
    await this.send(upDatagram(time, host), this.agent);
    return { outcome: "sent" };
  }
}
