import { get } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export type HttpGet = (url: string, timeoutSeconds: number) => Promise<HttpAnswer>;

const MOST_BYTES = 1024 * 1024;

/** A GET over node:http (the global fetch costs 10 MB), ended after `timeoutSeconds` whatever the other side does. */
export const httpGet: HttpGet = (url, timeoutSeconds) =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > MOST_BYTES) request.destroy(new Error("the answer is larger than 1 MiB"));
      });
      response.on("end", () => {
        done();
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on("error", failed);
    });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutSeconds} s`));
    }, timeoutSeconds * 1000);
    request.on("error", failed);
    function done(): void {
      clearTimeout(timer);
    }
    function failed(error: Error): void {
      done();
      reject(error);
    }
  });
