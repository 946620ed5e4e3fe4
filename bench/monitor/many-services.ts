import { cpSync } from "node:fs";
import { join } from "node:path";
import type { MonitorConfig } from "../../monitor/config/schema";
import type { FixtureHost } from "../../test/monitor/fixture-host";

/** Gives the host so many services, each with a slice and all the files of one that runs. */
export function addServices(host: FixtureHost, count: number): NonNullable<MonitorConfig["services"]> {
  const slices = join(host.roots.cgroup, "ai.slice");
  return Array.from({ length: count }, (_, index) => {
    const name = `model${index}`;
    const slice = join(slices, `ai-${name}.slice`);
    cpSync(join(slices, "ai-llamacpp.slice"), slice, { recursive: true });
    cpSync(join(slice, "llamacpp.service"), join(slice, `${name}.service`), { recursive: true });
    return { name, runtime: "systemd" };
  });
}
