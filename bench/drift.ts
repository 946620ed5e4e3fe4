/**
 * `npm run bench:drift`: the processor time of `npm run drift` on this machine for one host that is in sync, and its
 * connections. Exits 1 when it is over its budget. The host is an SSH server of this process that answers at once.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { withAgent } from "../test/sandbox/agent";
import { startSshServer } from "../test/sandbox/engine/testing/ssh-server";

const BUDGET_SECONDS = 1;
const RUNS = 7;
const root = dirname(import.meta.dirname);

const folder = mkdtempSync(join(tmpdir(), "goblin-host-bench-"));
const DRIFT = `npm --prefix ${root} run -s drift -- --stack bench --folder ${folder}`;
const server = await startSshServer();
try {
  process.exitCode = await bench();
} finally {
  rmSync(folder, { recursive: true });
  await server.close();
}

async function bench(): Promise<number> {
  const { config } = parse(readFileSync(join(root, "Pulumi.prod.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  config["goblin-host:hosts"] = {
    goblin: { address: "127.0.0.1", port: server.port, hostKey: server.hostKey.trim() },
  };
  writeFileSync(join(folder, "Pulumi.bench.yaml"), stringify({ config }));
  writeFileSync(join(folder, "key"), server.privateKey, { mode: 0o600 });
  const seconds: number[] = [];
  await withAgent(join(folder, "key"), async (socket) => {
    const answer = JSON.stringify(await statusOf(socket));
    server.answer = () => ({ stdout: answer });
    server.connections = 0;
    for (let run = 0; run < RUNS; run++) seconds.push(await processorSeconds(socket));
  });
  const median = [...seconds].sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
  console.log(`processor time of npm run drift: ${median.toFixed(2)} s (budget ${BUDGET_SECONDS} s)`);
  console.log(`connections per run: ${server.connections / RUNS}`);
  return median <= BUDGET_SECONDS && server.connections === RUNS ? 0 : 1;
}

/** User and system time of one run and its children, as the shell counts them. */
async function processorSeconds(socket: string): Promise<number> {
  const command = `TIMEFORMAT='%U %S'; time ${DRIFT}`;
  const { stdout, stderr } = await execa("bash", ["-c", command], { env: { SSH_AUTH_SOCK: socket } });
  if (!stdout.includes("in sync")) throw new Error(`${stdout}${stderr}`);
  const [user = NaN, system = NaN] = (stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return user + system;
}

/** What a host in sync answers: it holds what the command itself declares. */
async function statusOf(socket: string): Promise<object> {
  server.answer = () => ({ stdout: '{"absent":true,"boot":"0"}' });
  const { stdout } = await execa("bash", ["-c", `${DRIFT} --json`], {
    env: { SSH_AUTH_SOCK: socket },
    reject: false,
  });
  const { hosts } = JSON.parse(stdout) as { hosts: { bundles: { bundle: string; declared: string }[] }[] };
  const bundles = hosts.flatMap((host) =>
    host.bundles.map(({ bundle, declared }) => ({
      name: bundle,
      digest: declared,
      generation: 1,
      findings: [],
      limits: [],
    })),
  );
  return { version: "1.0.0", busy: false, boot: "0", bundles };
}
