import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Takes on loopback whatever is posted, and keeps it. */
export class Webhook {
  readonly posted: { readonly path: string; readonly body: string }[] = [];

  private constructor(private readonly server: Server) {
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        this.posted.push({ path: request.url ?? "", body });
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<Webhook> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Webhook(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
