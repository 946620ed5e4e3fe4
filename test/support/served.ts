import type { Served } from "../../monitor/http/server";
import { Page } from "../../monitor/http/page";

/** What a monitor's server shows, as far as a test says; without it, a host that is well. */
export function served(told: Partial<Served> = {}): Served {
  return {
    page: new Page({ html: "<!doctype html>", version: "v1", script: "sha256-aaaa", style: "sha256-bbbb" }),
    history: { ask: () => undefined },
    hostName: () => "goblin",
    outputs: () => ({ display: "d\n", json: "{}\n", prometheus: "", alerts: "", capacity: "{}\n" }),
    collectedAt: () => undefined,
    problem: () => undefined,
    available: () => true,
    intervalSeconds: () => 10,
    collect: () => Promise.reject(new Error("nobody collects here")),
    ...told,
  };
}
