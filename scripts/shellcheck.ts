/**
 * Joins the parts of the host's manager as the bundle does and runs shellcheck on the whole and on every
 * other shell script of the repository. Installs shellcheck where apt may.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinManager } from "../components/manager/program";

function ensureShellcheck(): void {
  if (spawnSync("shellcheck", ["--version"]).status === 0) return;
  const sudo = process.getuid?.() === 0 ? "" : "sudo -n ";
  const install = `${sudo}apt-get update -qq && ${sudo}apt-get install -y -qq --no-install-recommends shellcheck`;
  if (spawnSync("sh", ["-c", install], { stdio: ["ignore", "ignore", "inherit"] }).status !== 0) {
    console.error("shellcheck is missing: sudo apt-get install shellcheck");
    process.exit(1);
  }
}

/** No function is called where strict mode is suspended, and no command where its failure is lost. */
const STRICT = "check-set-e-suppressed,check-extra-masked-returns";
/** What follows from `attempt` running functions by name, in a subshell. */
const INDIRECT = "SC2317,SC2030,SC2031";

ensureShellcheck();
const folder = mkdtempSync(join(tmpdir(), "goblin-host-shellcheck-"));
try {
  const manager = join(folder, "ai-resource-manager");
  writeFileSync(manager, joinManager(join(import.meta.dirname, "..", "host")));
  const scripts = execFileSync("git", ["ls-files", ".ci/run", "*.sh"], { encoding: "utf8" })
    .split("\n")
    .filter(
      (path) => path !== "" && !path.startsWith("host/") && readFileSync(path, "utf8").startsWith("#!"),
    );
  const check = (...args: string[]): number =>
    spawnSync("shellcheck", ["-s", "bash", ...args], { stdio: "inherit" }).status ?? 1;
  const first = Math.max(
    check("-o", STRICT, "-e", INDIRECT, manager),
    check("host/ai-resource-guard", ...scripts),
  );
  // These say by their first line that they are for sh.
  const posix = execFileSync("git", ["ls-files", "test/monitor/fixtures/*/nvidia-smi"], {
    encoding: "utf8",
  });
  const second = spawnSync("shellcheck", posix.trim().split("\n"), { stdio: "inherit" });
  process.exitCode = Math.max(first, second.status ?? 1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
