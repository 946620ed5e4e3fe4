import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a message. `before`: cut before it is taken. `after`: taken, and cut before the answer. `held`: answered when told. */
export type Fault =
  "none" | "held" | "before" | "after" | { readonly status: number; readonly retryAfter?: string };

export interface Taken {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A receiver on loopback with faults, which remembers what it has taken, or hands it on to another. */
export class FaultyReceiver {
  readonly taken: Taken[] = [];
  /** Attempts, whatever became of them. */
  attempts = 0;
  fault: Fault = "none";
  private readonly held: (() => void)[] = [];
  private readonly server: Server;
  port = 0;

  /** @param behind the port of who takes it; its answer is passed on */
  constructor(private readonly behind?: number) {
    this.server = createServer((request, response) => {
      this.attempts += 1;
      if (this.fault === "before") {
        request.once("data", () => request.destroy());
        return;
      }
      void bodyOf(request).then((body) => this.take(request, body, response));
    });
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Answers what was held. */
  release(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async take({ url: path = "", headers }: IncomingMessage, body: string, response: ServerResponse) {
    const { fault } = this;
    if (typeof fault === "object") {
      response.statusCode = fault.status;
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      response.end();
      return;
    }
    this.taken.push({ path, headers, body });
    const status = this.behind === undefined ? 200 : await handedOn(this.behind, path, headers, body);
    if (fault === "after") {
      response.destroy();
      return;
    }
    if (fault === "held") await new Promise<void>((resolve) => this.held.push(resolve));
    response.statusCode = status;
    response.end();
  }
}

function handedOn(
  port: number,
  path: string,
  headers: IncomingMessage["headers"],
  body: string,
): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method: "POST", headers, agent: false },
      (answer) => {
        answer.resume().on("end", () => {
          resolve(answer.statusCode ?? 0);
        });
      },
    );
    // Nobody is behind it: that is what a gateway says.
    asked
      .on("error", () => {
        resolve(502);
      })
      .end(body);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}
