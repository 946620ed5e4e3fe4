/**
 * A place to run fixtures: an SSH server, a state file of its own, and the options that lead a program there.
 * fixtures/package.json makes them CommonJS, as the project's own program is, below a folder of ES modules.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineOptions } from "../types";
import { startSshServer, type SshServer } from "./ssh-server";

export const HOST = "127.0.0.1";

export interface Bench {
  server: SshServer;
  stateFile: string;
  /** Options for a fixture, its connection pointing to the server. */
  options(fixture: string, overrides?: Record<string, unknown>, connection?: object): EngineOptions;
  close(): Promise<void>;
}

export async function startBench(addresses: string[] = [HOST]): Promise<Bench> {
  const server = await startSshServer(addresses);
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  const stateFile = join(folder, "state.json");
  return {
    server,
    stateFile,
    options: (fixture, overrides = {}, connection = {}) => {
      const { port, privateKey, hostKey } = server;
      const login = { host: HOST, port, privateKey, hostKey, dialErrorLimit: 1, ...connection };
      return {
        programDir: join(import.meta.dirname, "../fixtures", fixture),
        stack: "test",
        stateFile,
        overrides: { [`${fixture}:connection`]: login, ...overrides },
        // Type checking is for `npm run typecheck`; a program starts twice as fast without it.
        env: { PULUMI_NODEJS_TRANSPILE_ONLY: "true", SSH_AUTH_SOCK: "" },
      };
    },
    close: async () => {
      rmSync(folder, { recursive: true });
      await server.close();
    },
  };
}
