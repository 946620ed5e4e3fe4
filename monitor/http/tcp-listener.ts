import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { SettledConfig } from "../config/schema";
import type { Clock } from "../host/clock";
import { errorText } from "../host/files";
import { TokenGate } from "./access";
import { Certificate } from "./certificate";
import { createMonitorServer, listen, type Served } from "./server";

/** The configuration's TCP address. That it cannot be had is no reason to measure nothing: it is tried again. */
export class TcpListener {
  private server: Server | TlsServer | undefined;
  private readonly gate: TokenGate | undefined;
  private readonly certificate: Certificate | undefined;
  private failure: string | undefined;

  constructor(
    private readonly at: NonNullable<SettledConfig["listen"]>,
    private readonly served: Served,
    private readonly clock: Clock,
  ) {
    this.gate = at.tokenFile === undefined ? undefined : new TokenGate(at.tokenFile);
    this.certificate = at.tls === undefined ? undefined : new Certificate(at.tls);
  }

  /** Listens where it does not yet, and shows a certificate that was renewed. Never rejects. */
  async follow(): Promise<void> {
    if (this.server !== undefined) {
      const { server } = this;
      if ("setSecureContext" in server)
        this.certificate?.follow((options) => {
          server.setSecureContext(options);
        });
      return;
    }
    try {
      const server = await createMonitorServer(this.served, {
        mayCollect: false,
        gate: this.gate,
        tls: this.certificate?.read(),
      });
      await listen(server, { host: this.at.address, port: this.at.port });
      this.server = server;
      this.failure = undefined;
    } catch (error) {
      this.failure = errorText(error);
    }
  }

  /**
   * Whether it answers as it should.
   * @throws Error that says why it does not
   */
  check(): true {
    const problem = this.failure ?? this.gate?.problem() ?? this.certificate?.problem(this.clock.now());
    if (problem !== undefined) throw new Error(problem);
    return true;
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}
