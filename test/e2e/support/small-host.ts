import { dockerImages } from "../../sandbox/base-image";

/** llama.cpp as a container without swap, with everything that can be limited. */
export const CONTAINER = {
  runtime: "container",
  image: dockerImages.workload,
  slice: "ai-llamacpp",
  memory: { max: "192MiB", swap: "0" },
  cpu: { quota: "50%", cores: "1" },
  io: { weight: 80, writeBandwidth: "50MiB" },
  tasks: 64,
  command: ["llama-server", "8080"],
  ports: ["8080:8080"],
  volumes: ["llama-data:/data"],
  health: { http: "http://127.0.0.1:8080/health", timeout: "60s" },
};

/** The same as a service. */
export const SERVICE = {
  slice: "ai-llamacpp",
  memory: { max: "192MiB", swap: "0" },
  health: { http: "http://127.0.0.1:8080/health", timeout: "60s" },
};

/** What a guest of 2 GiB can hold. */
export const SMALL = {
  "goblin-host:reserve.memory": "512MiB",
  "goblin-host:swap.size": "512MiB",
  "goblin-host:zram": { size: "256MiB", memoryLimit: "128MiB" },
  "goblin-host:workloads.ollama.memory.max": "256MiB",
  "goblin-host:workloads.local-llm-proxy.memory.max": "128MiB",
};

/** Its stack: llama.cpp is a container, the others are services. */
export const MIXED = { ...SMALL, "goblin-host:workloads.llamacpp": CONTAINER };
