import { readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { mockEngine, settle } from "./components/mock-engine";

async function deploy(stack: string) {
  const { config } = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8")) as {
    config: Record<string, unknown>;
  };
  const plain = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("goblin-host:", ""), value]),
  );
  const registered = await mockEngine(plain, stack);
  const program = await import("../index");
  await settle();
  return { program, registered };
}

afterEach(() => {
  vi.resetModules();
});

it("declares the production host", async () => {
  const { program, registered } = await deploy("prod");
  console.log(registered.map((r) => r.type + " " + r.name));
  for (const r of registered) if (r.inputs.stdin && !r.name.includes("manager")) console.log(r.inputs.stdin);
  expect(Object.keys(program.limits)).toEqual(["goblin"]);
});
