import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { JSON_SCHEMA_VERSION } from "../../../monitor/render/json";
import type { Vm } from "../../sandbox/vm";
import { goTo, machine, SMALL_SIZE } from "../support/machine";
import { MIXED } from "../support/small-host";

/** The specification's own commands, as the operations guide gives them, and what an operator then sees. */
const COMMANDS: readonly (readonly [command: string, shows: RegExp])[] = [
  ["ai-resource-monitor.sh --collect", /^Firing: none$/m],
  ["ai-resource-monitor.sh --display", /^=== AI System Resource Metrics ===\n[^]*^ {2}ollama: .* \/ 256MB/m],
  ["ai-resource-monitor.sh --json", new RegExp(`^\\{\n? *"schemaVersion": ?${JSON_SCHEMA_VERSION},`)],
  ["ai-resource-monitor.sh --prometheus", /^airm_memory_total_bytes \d+$/m],
  ["ai-resource-monitor.sh --alerts", /^Firing: none$/m],
  ["free -h", /^Swap: +767Mi/m],
  ["zramctl", /^\/dev\/zram0 lz4 +256M/m],
  ["systemctl restart ollama llamacpp", /^$/],
  ["systemctl show ollama -p CPUAffinity", /^CPUAffinity=0$/m],
  ["systemctl show ollama -p CPUQuotaPerSecUSec", /^CPUQuotaPerSecUSec=2s$/m],
  ['ps aux | grep -E "(ollama|llama)" | head -10', /ollama[^]*llamacpp/],
  ["systemctl status ollama", /Active: active \(running\)[^]*Memory: [0-9.]+M \(.*max: 256(\.0)?M/],
  ["systemctl show ollama -p MemoryLimit", /^MemoryLimit=268435456$/m],
  ["systemctl show ollama -p MemoryCurrent,CPUUsageNSec", /^MemoryCurrent=\d+\nCPUUsageNSec=\d+$/m],
  ["journalctl -u ollama -n 50", /ollama: listening on 127\.0\.0\.1:11434/],
  ["df -h /srv/models", /^\/dev\/vda .*%/m],
  ["iostat -x 1 5", /(^vda .*\n[^]*){5}/m],
  ["du -sh /srv/models/*", /^5\.0M\t\/srv\/models\/a\.gguf$/m],
  [
    'journalctl -u ai-resource-manager --since "1 week ago"',
    /ai-resource-manager\[\d+\]: 1\d bundles, \d+ limits: all holds/,
  ],
  ["journalctl -u ai-resource-monitor", /Finished ai-resource-monitor\.service/],
];

/** What follows the journal until it is ended. */
const FOLLOWING = ["journalctl -u ai-resource-manager -f", "journalctl -u ai-resource-monitor -f"];

const guide = readFileSync(join(import.meta.dirname, "../../../docs/operations.md"), "utf8");
let vm: Vm;

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
  await vm.run(
    "fallocate -l 5M /srv/models/a.gguf; systemctl start ai-resource-manager ai-resource-monitor",
    {
      timeoutSeconds: 180,
    },
  );
});

describe("the operations guide's commands", () => {
  it("are the specification's", () => {
    for (const command of [...COMMANDS.map(([text]) => text), ...FOLLOWING]) expect(guide).toContain(command);
  });

  it("show what they promise", async () => {
    for (const [command, shows] of COMMANDS) {
      const { code, stdout, stderr } = await vm.ssh(command);
      expect(stdout, `${command}\n${stderr}`).toMatch(shows);
      expect(code, command).toBe(0);
    }
  });

  it("follow a journal", async () => {
    for (const command of FOLLOWING) {
      const { code, stdout } = await vm.ssh(`timeout 5 ${command}`);
      expect(stdout, command).toMatch(/ai-resource-(manager|monitor)/);
      expect(code, command).toBe(124);
    }
  });
});
