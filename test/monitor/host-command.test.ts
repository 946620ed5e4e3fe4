import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MONITOR_USER } from "../../components/monitor/render";

const COMMAND = join(dirname(dirname(import.meta.dirname)), "host", "ai-resource-monitor");
const isRoot = process.getuid?.() === 0;
const SECRET = "Firing:\n  what only root may read\n";

let folder: string;
let run: string;
let secret: string;

/** On a host the run folder is the monitor's user's; where the tests are not root's, it is their own user's. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "airm-command-"));
  chmodSync(folder, 0o755);
  run = join(folder, "run");
  mkdirSync(run);
  mkdirSync(join(folder, "manager"));
  secret = join(folder, "secret");
  writeFileSync(secret, SECRET, { mode: 0o600 });
  put("collected", `${uptime()} 3600 1 -\n`);
  for (const name of ["display.txt", "alerts.txt", "metrics.json", "metrics.prom"]) put(name, `${name}\n`);
  own(run);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function own(path: string): void {
  const [user = 0, group = 0] = MONITOR_USER.split(":").map(Number);
  if (isRoot) chownSync(path, user, group);
}

function put(name: string, text: string): void {
  writeFileSync(join(run, name), text);
  own(join(run, name));
}

function uptime(): number {
  return Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
}

const env = (wait: string) => ({
  AIRM_RUN: run,
  AIRM_MANAGER: join(folder, "manager"),
  AIRM_WAIT: wait,
  TZ: "America/St_Johns",
});

/** What hangs is killed, and has no status. */
function command(option: string) {
  const { status, stdout, stderr } = spawnSync(COMMAND, [option], {
    encoding: "utf8",
    timeout: 10_000,
    env: env("1"),
  });
  return { status, stdout, stderr };
}

/** Answers a request as the container does; another request, if there is one, takes the place of ours before that. */
async function collect(another?: string): Promise<{ request: string[]; status: unknown; stdout: string }> {
  const file = join(folder, "manager", "monitor-request");
  const child = spawn(COMMAND, ["--collect"], { env: env("10") });
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  const closed = new Promise((resolve) => child.once("close", resolve));
  await expect.poll(() => existsSync(file)).toBe(true);
  const request = readFileSync(file, "utf8").trim().split(" ");
  if (another !== undefined) writeFileSync(file, `${another} +0000\n`);
  put("next", `${uptime()} 3600 1 ${another ?? request[0] ?? ""}\n`);
  renameSync(join(run, "next"), join(run, "collected"));
  return { request, status: await closed, stdout: Buffer.concat(printed).toString() };
}

test("it is a program that Perl has nothing to say about", () => {
  const { status, stderr } = spawnSync("perl", ["-wc", COMMAND], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: `${COMMAND} syntax OK\n` });
});

test("a locale that the host lacks is nothing to talk about", () => {
  const { stderr } = spawnSync(COMMAND, ["--display"], {
    encoding: "utf8",
    env: { ...env("1"), LC_ALL: "xx_YY.UTF-8" },
  });
  expect(stderr).toBe("");
});

/** What somebody could put in a file's place. */
const HOSTILE: Record<string, (path: string) => void> = {
  "a link to a file of root's": (path) => {
    symlinkSync(secret, path);
  },
  "a link to a file that everybody reads": (path) => {
    symlinkSync("/proc/self/environ", path);
  },
  "a link to nothing": (path) => {
    symlinkSync(join(folder, "nothing"), path);
  },
  "a hard link": (path) => {
    linkSync(secret, path);
  },
  "a FIFO": (path) => {
    spawnSync("mkfifo", ["-m", "666", path]);
    own(path);
  },
  "a folder": (path) => {
    mkdirSync(path);
  },
  "a file that is too large": (path) => {
    writeFileSync(path, "");
    spawnSync("truncate", ["-s", "1T", path]);
    own(path);
  },
};

const ROOTS: typeof HOSTILE = {
  "a file of root's": (path) => {
    writeFileSync(path, SECRET);
  },
  "a device": (path) => {
    spawnSync("mknod", ["-m", "666", path, "c", "1", "5"]);
    own(path);
  },
};

describe.each([
  ...Object.entries(HOSTILE).map(([what, place]) => ({ what, place, skipped: false })),
  ...Object.entries(ROOTS).map(([what, place]) => ({
    what: `${what}${isRoot ? "" : " (only root makes one: skipped)"}`,
    place,
    skipped: !isRoot,
  })),
])("$what", ({ place, skipped }) => {
  test.skipIf(skipped).each([
    ["--display", "display.txt"],
    ["--alerts", "alerts.txt"],
    ["--json", "metrics.json"],
    ["--prometheus", "metrics.prom"],
  ])("in the place of what %s prints is refused at once", (option, name) => {
    rmSync(join(run, name));
    place(join(run, name));
    expect(command(option)).toMatchObject({ status: 3, stdout: "" });
  });

  test.skipIf(skipped)("in the place of the stamp is no collection", () => {
    rmSync(join(run, "collected"));
    place(join(run, "collected"));
    expect(command("--display")).toMatchObject({ status: 3, stdout: "" });
  });

  test.skipIf(skipped)("in the place of the alerts is refused by a collection too", async () => {
    rmSync(join(run, "alerts.txt"));
    place(join(run, "alerts.txt"));
    expect(await collect()).toMatchObject({ status: 3, stdout: "" });
  });
});

test("a collection does not wait for a FIFO in the place of the stamp", () => {
  rmSync(join(run, "collected"));
  spawnSync("mkfifo", [join(run, "collected")]);
  expect(command("--collect")).toMatchObject({ status: 1, stdout: "" });
});

/** Takes turns, as fast as it can, in what one name means; in one process, which leaves nothing behind that goes on. */
const SWAP = `
  use POSIX ();
  my ($run, $secret) = @ARGV;
  for (my $turn = 0; ; $turn++) {
    unlink "$run/next";
    if ($turn % 3 == 0) { symlink $secret, "$run/next" }
    elsif ($turn % 3 == 1) { POSIX::mkfifo("$run/next", 0644) }
    else { open my $file, ">", "$run/next"; print $file "plain\\n"; close $file; chown @ARGV[2, 3], "$run/next" }
    rename "$run/next", "$run/display.txt";
  }`;

test("what is swapped between the look and the reading is neither followed nor waited for", async () => {
  // What stands there until the swapper has started.
  put("display.txt", "plain\n");
  const swapper = spawn("perl", ["-e", SWAP, run, secret, ...(isRoot ? MONITOR_USER.split(":") : [])]);
  try {
    const seen = new Set<string>();
    // Seconds, on a machine that has time.
    const until = Date.now() + 8000;
    for (let turn = 0; (turn < 300 || !seen.has("3 ")) && Date.now() < until; turn++) {
      const { status, stdout } = command("--display");
      seen.add(`${status ?? "hangs"} ${stdout}`);
    }
    // A plain file that is being written may still be empty.
    expect([...seen].filter((text) => text !== "3 " && text !== "0 plain\n" && text !== "0 ")).toEqual([]);
    expect(seen).toContain("3 ");
  } finally {
    const ended = new Promise((resolve) => swapper.once("exit", resolve));
    swapper.kill();
    await ended;
  }
});

test("a terminal is told no controls, and every other character", () => {
  put("display.txt", "Disk: 45%\t\u001b[2J\u001b]0;title\u0007 é–° \u009b31m\u007f\r\n");
  expect(command("--display")).toEqual({
    status: 0,
    stdout: "Disk: 45%\t[2J]0;title é–° 31m\n",
    stderr: "",
  });
});

test.each([
  ["Firing: none\n\nLast alerts:\nb\n", "Firing: none\n"],
  ["Firing:\n  a\n  b\n\nLast alerts: none\n", "Firing:\n  a\n  b\n"],
])(
  "a collection prints what fires, and its request says the host's offset from UTC",
  async (alerts, fires) => {
    put("alerts.txt", alerts);
    const { request, status, stdout } = await collect();
    expect([status, stdout]).toEqual([0, fires]);
    const date = spawnSync("date", ["+%z"], { encoding: "utf8", env: { ...process.env, ...env("1") } });
    expect(request[1]).toBe(date.stdout.trim());
  },
);

test("who is asked a second time before it saw the first answers both", async () => {
  expect(await collect("another-1")).toMatchObject({ status: 0, stdout: "alerts.txt\n" });
});

test("what was collected for somebody else before is no answer", () => {
  put("collected", `${uptime()} 3600 1 another-1\n`);
  expect(command("--collect")).toMatchObject({ status: 1, stdout: "" });
});

test("the monitor's user can read a request of somebody who lets nobody read", () => {
  spawnSync("sh", ["-c", `umask 077; exec ${COMMAND} --collect`], { env: { ...process.env, ...env("1") } });
  expect(statSync(join(folder, "manager", "monitor-request")).mode & 0o777).toBe(0o644);
});

test("what every host has and could not be read is told, beside all that is printed, and is status 3", () => {
  put("collected", `${uptime()} 3600 1 - memory,load\n`);
  for (const [option, text] of [
    ["--display", "display.txt\n"],
    ["--json", "metrics.json\n"],
    ["--alerts", "alerts.txt\n"],
  ] as const)
    expect(command(option)).toEqual({
      status: 3,
      stdout: text,
      stderr:
        "ai-resource-monitor: not everything could be read: memory, load. --display and --json say why.\n",
    });
  put("collected", `${uptime()} 3600 1 - -\n`);
  expect(command("--display")).toEqual({ status: 0, stdout: "display.txt\n", stderr: "" });
});
