import { dockerImages } from "../../sandbox/base-image";
import { MIXED } from "./small-host";

/** A proxy of any request to one backend, on one line, for the sandbox's image with Node. */
const PROGRAM = [
  'const http = require("node:http");',
  "http.createServer((asked, answer) => {",
  "const { method, url, headers } = asked;",
  "const request = http.request(process.env.BACKEND + url, { method, headers }, (response) => {",
  "answer.writeHead(response.statusCode, response.headers);",
  "response.pipe(answer);",
  "});",
  'request.on("error", (error) => { answer.writeHead(502); answer.end(error.message); });',
  "asked.pipe(request);",
  "}).listen(4000);",
  // The first process of a container has no other way to end on it.
  'process.on("SIGTERM", () => process.exit());',
].join(" ");

/** The proxy as a container that reaches llama.cpp, another one, by its name. What proves it well is an answer of that. */
export const PROXY = {
  runtime: "container",
  image: dockerImages.node,
  slice: "ai-proxy",
  memory: { max: "128MiB" },
  cpu: { quota: "50%" },
  entrypoint: ["node", "--eval", PROGRAM],
  environment: { BACKEND: "http://llamacpp:8080" },
  ports: ["8090:4000"],
  health: { http: "http://127.0.0.1:8090/health", timeout: "3min" },
};

/** llama.cpp and the proxy in front of it are containers, ollama is a service. */
export const PROXIED = { ...MIXED, "goblin-host:workloads.local-llm-proxy": PROXY };
