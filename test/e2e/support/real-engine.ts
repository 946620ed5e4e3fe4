import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { installEngine, SERVER } from "../../sandbox/llamacpp/engine";
import { writeRandomModel } from "../../sandbox/llamacpp/random-model";
import type { Vm } from "../../sandbox/vm";

const ENGINE = "/opt/llama.cpp";
const MODEL = "/srv/models/random.gguf";
const NODE = `${ENGINE}/node`;
const UNIT_FILE = "/etc/systemd/system/llamacpp.service";

/** The unit that the guest's owner has: no limits, no hardening. */
const unit = (contextSize: number): string => `[Unit]
Description=llama.cpp server
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${NODE} ${ENGINE}/${SERVER} -m ${MODEL} --port 8080 -c ${contextSize}
User=llamacpp
Group=llamacpp
Restart=always
RestartSec=3

[Install]
WantedBy=multi-user.target
`;

/** Puts llama.cpp with a model of 8 MiB in the place of its stand-in, as the guest's owner would, and starts it. */
export async function installRealEngine(vm: Vm, contextSize: number): Promise<void> {
  await vm.run("tar --extract --no-overwrite-dir --directory=/", { stdin: await packed() });
  // The one that the base image of the guest's Docker has (guest/opt/goblin-sandbox/docker-images.sh): 120 MB less to send.
  await vm.run(`ln /var/lib/docker/overlay2/*/diff/usr/local/bin/node ${NODE}`);
  await startRealEngine(vm, contextSize);
}

/** Restarts it with another context, by the owner's own edit; returns before it is well, and whether or not it will be. */
export async function startRealEngine(vm: Vm, contextSize: number): Promise<void> {
  await vm.run(`cat >${UNIT_FILE} && systemctl daemon-reload && systemctl restart --no-block llamacpp`, {
    stdin: unit(contextSize),
  });
}

/** What goes into the guest, as one archive that unpacks at its root. */
async function packed(): Promise<Uint8Array> {
  const root = mkdtempSync(join(tmpdir(), "goblin-host-engine-"));
  try {
    await installEngine(join(root, ENGINE));
    mkdirSync(join(root, MODEL, ".."), { recursive: true });
    writeRandomModel(join(root, MODEL), { sizeMiB: 8, seed: 1 });
    const rights = ["--owner=0", "--group=0", "--mode=u=rwX,go=rX"];
    const { stdout } = await execa("tar", ["--create", ...rights, "--directory", root, "opt", "srv"], {
      encoding: "buffer",
    });
    return stdout;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
