import { describe, expect, it } from "vitest";
import {
  BASE,
  type Config,
  fixOf,
  HOST_KEY,
  leftAfterFixes,
  problemsOf,
  readAsPulumi,
  renderAll,
  withValue,
} from "./support/values";

type Path = readonly (string | number)[];

const OLLAMA = ["workloads", "ollama"];
const LLAMA = ["workloads", "llama"];
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

/** What is deployed of the base with one setting more. */
function deployed(path: Path, value: unknown, base: Config = BASE): string {
  const read = readAsPulumi(withValue(base, path, value));
  if ("problems" in read) throw new Error(read.problems.join("\n"));
  return renderAll(read).join("\n");
}

describe("a value is taken as it was meant", () => {
  const accepted: [what: string, path: Path, value: unknown, deployed: string][] = [
    ["true in a service's environment", [...OLLAMA, "environment", "A"], true, 'Environment="A=true"'],
    ["false in a container's environment", [...LLAMA, "environment", "A"], false, '"A=false"'],
    ["a number in an environment", [...OLLAMA, "environment", "A"], 8, 'Environment="A=8"'],
    ["a fraction in an environment", [...OLLAMA, "environment", "A"], 0.25, 'Environment="A=0.25"'],
    ["an empty text in a service's environment", [...OLLAMA, "environment", "A"], "", 'Environment="A="'],
    ["an empty text in a container's environment", [...LLAMA, "environment", "A"], "", '"A="'],
    ["a variable called like a method", [...LLAMA, "environment", "constructor"], 1, '"constructor=1"'],
    [
      "numbers and truth values in a command",
      [...LLAMA, "command"],
      ["-c", 8, true, ""],
      '["-c","8","true",""]',
    ],
    [
      "a number and true in an entrypoint",
      [...LLAMA, "entrypoint"],
      ["/bin/x", 1, true],
      '["/bin/x","1","true"]',
    ],
    ["the command `true` as a check", [...LLAMA, "health", "command"], true, '["CMD-SHELL","true"]'],
    ["a user by one number", [...LLAMA, "user"], 1000, '"user":"1000"'],
    ["an image by its digest", [...LLAMA, "image"], `example/llama@${DIGEST}`, `example/llama@${DIGEST}`],
    ["an image by both", [...LLAMA, "image"], `localhost:5000/a/b:1@${DIGEST}`, "localhost:5000/a/b:1@"],
    ["an image of a registry in capitals", [...LLAMA, "image"], "GHCR.io/a/b:1", "GHCR.io/a/b:1"],
    ["a port's IPv6 address", [...LLAMA, "ports"], ["[0:0:0:0:0:0:0:1]:81:80"], '"ip":"::1"'],
    ["one port as tcp and as udp", [...LLAMA, "ports"], ["53:53", "53:53/udp"], '"protocol":"udp"'],
    [
      "one port at two addresses",
      [...LLAMA, "ports"],
      ["10.0.0.1:80:80", "10.0.0.2:80:80"],
      '"ip":"10.0.0.2"',
    ],
    ["a port of both families", [...LLAMA, "ports"], ["0.0.0.0:80:80", "[::]:80:80"], '"ip":"::"'],
    ["an instance of a template", [...OLLAMA, "unit"], "llama@1.service", "Slice=ai-ollama.slice"],
    ["a slice with an underscore", [...LLAMA, "slice"], "ai-a_b", '"cgroupParent":"ai-a_b.slice"'],
    ["a folder's mode with its leading zero", ["models", "mode"], "02775", 'mode: "2775"'],
    [
      "an absolute command line",
      [...OLLAMA, "exec"],
      "/usr/bin/env ollama serve",
      "ExecStart=/usr/bin/env ollama",
    ],
    ["an address of IPv6", ["hosts", "goblin", "address"], "2001:db8::1", ""],
    [
      "a workload called like a method",
      ["workloads", "constructor"],
      { memory: { max: "1GiB" } },
      "ai-constructor",
    ],
  ];
  it.each(accepted)("%s", (_, path, value, expected) => {
    expect(deployed(path, value)).toContain(expected);
  });

  it("a name like a method's is shared and overridden as any other", () => {
    const shared = withValue(BASE, ["workloads", "constructor"], { memory: { max: "1GiB" } });
    const own = withValue(shared, ["hosts", "goblin", "workloads", "ollama", "tasks"], 512);
    const host = withValue(own, ["hosts", "constructor"], { address: "198.51.100.8", hostKey: HOST_KEY });
    const read = readAsPulumi(host);
    if ("problems" in read) throw new Error(read.problems.join("\n"));
    expect(read.hosts.map(({ name }) => name)).toEqual(["constructor", "goblin"]);
    expect(renderAll(read).join("\n")).toContain("ai-constructor.slice");
  });

  it("null takes a shared variable or workload back, and nothing else", () => {
    const shared = withValue(BASE, [...OLLAMA, "environment", "A"], "x");
    expect(deployed(["hosts", "goblin", ...OLLAMA, "environment", "A"], null, shared)).not.toContain("A=x");
    expect(deployed(["hosts", "goblin", ...LLAMA], null)).not.toContain("workload-llama");
  });
});

describe("a value that cannot be meant is refused with a command that mends it", () => {
  const refused: [what: string, path: Path, value: unknown, said: string, fix: string][] = [
    [
      "a variable with nothing after it",
      [...OLLAMA, "environment", "A"],
      null,
      "environment.A is null",
      "environment.A' ''",
    ],
    [
      "a workload with nothing after it",
      ["workloads", "proxy"],
      null,
      "workloads.proxy is null",
      "rm --path",
    ],
    ["a number that loses digits", [...OLLAMA, "environment", "A"], 2 ** 60, "in quotes", "rm --path"],
    ["a list as a variable", [...OLLAMA, "environment", "A"], ["x"], 'environment.A is ["x"]', "rm --path"],
    ["variables as a list", [...OLLAMA, "environment"], ["A=1"], "a map from", "rm --path"],
    ["nothing in a command", [...LLAMA, "command"], ["serve", null], "command[1] is null", "command[1]' "],
    ["a command as one text", [...LLAMA, "command"], "serve", 'command is "serve"', "command[0]' serve"],
    [
      "one that begins with a dash",
      [...LLAMA, "command"],
      "--verbose",
      "is a list",
      "command[0]' -- --verbose",
    ],
    ["a command as a map", [...LLAMA, "command"], { 0: "serve", 1: 8 }, "is a list", "command[1]' 8"],
    ["ports as one text", [...LLAMA, "ports"], "8080:80", "is a list", "ports[0]' 127.0.0.1:8080:80"],
    [
      "an exception as one text",
      [...OLLAMA, "hardening", "except"],
      "ProtectHome",
      "is a list",
      "except[0]' ProtectHome",
    ],
    ["a former name as one text", ["hosts", "goblin", "formerly"], "vps", "is a list", "formerly[0]' vps"],
    ["GPUs as one number", [...OLLAMA, "gpu", "devices"], 0, "is a list", "devices[0]' 0"],
    [
      "no GPU",
      [...OLLAMA, "gpu", "devices"],
      [],
      "devices is []",
      "set --path 'goblin-host:workloads.ollama.gpu.devices[0]' 0",
    ],
    ["a GPU map without GPUs", [...OLLAMA, "gpu"], {}, "gpu.devices is missing", "gpu.devices[0]' 0"],
    ["a map as one text", [...OLLAMA, "cpu"], "200%", "a map of quota, cores, weight", "rm --path"],
    [
      "an address with a port",
      ["hosts", "goblin", "address"],
      "203.0.113.10:2222",
      "a setting of its own: port",
      "address' 203.0.113.10",
    ],
    [
      "an address in brackets",
      ["hosts", "goblin", "address"],
      "[2001:db8::1]:22",
      "setting",
      "address' 2001:db8::1",
    ],
    [
      "an address with a user",
      ["hosts", "goblin", "address"],
      "root@web.example",
      "user",
      "address' web.example",
    ],
    [
      "an address out of range",
      ["hosts", "goblin", "address"],
      "256.0.0.1",
      "no IP address",
      "address' 203.0.113.10",
    ],
    [
      "an address cut short",
      ["hosts", "goblin", "address"],
      "999.1",
      "no IP address",
      "address' 203.0.113.10",
    ],
    [
      "an address as a number",
      ["hosts", "goblin", "address"],
      999.1,
      "address is 999.1",
      "address' 203.0.113.10",
    ],
    [
      "an IPv6 address of two gaps",
      ["hosts", "goblin", "address"],
      "1::2::3",
      "no IP address",
      "address' 203",
    ],
    [
      "a host as its address",
      ["hosts", "goblin"],
      "203.0.113.10",
      "a host is a map",
      "rm --path 'goblin-host:hosts.goblin'",
    ],
    ["an SSH port out of range", ["hosts", "goblin", "port"], 65536, "more than 65535", "port' 65535"],
    [
      "an address to listen at without port",
      ["monitor", "listen"],
      "127.0.0.1",
      "no IP address and port",
      "listen' 127.0.0.1:9465",
    ],
    [
      "a port to listen at alone",
      ["monitor", "listen"],
      9465,
      "no IP address and port",
      "listen' 127.0.0.1:9465",
    ],
    [
      "a name to listen at",
      ["monitor", "listen"],
      "localhost:9100",
      "no IP address and port",
      "listen' 127.0.0.1:9100",
    ],
    [
      "every address to listen at",
      ["monitor", "listen"],
      "0.0.0.0:9100",
      "from the internet",
      "listen' 127.0.0.1:9100",
    ],
    [
      "an address to listen at that is none",
      ["monitor", "listen"],
      "[fd00::1::2]:9100",
      "no IP address",
      "listen' 127.0.0.1:9100",
    ],
    [
      "one out of range",
      ["monitor", "listen"],
      "127.0.0.256:9100",
      "no IP address and port",
      "listen' 127.0.0.1:9100",
    ],
    [
      "a port to listen at that is none",
      ["monitor", "listen"],
      "127.0.0.1:65536",
      "no IP address and port",
      "listen' 127.0.0.1:9465",
    ],
    ["a port alone", [...LLAMA, "ports"], [8080], "ports[0] is 8080", "ports[0]' 127.0.0.1:8080:8080"],
    [
      "an address and a port",
      [...LLAMA, "ports"],
      ["127.0.0.1:8080"],
      "ports[0]",
      "ports[0]' 127.0.0.1:8080:8080",
    ],
    ["a host's port of 0", [...LLAMA, "ports"], ["0:80"], "from 1 to 65535", "ports[0]' 127.0.0.1:80:80"],
    [
      "a container's port out of range",
      [...LLAMA, "ports"],
      ["80:65536"],
      "from 1 to 65535",
      "ports[0]' 127.0.0.1:80:80",
    ],
    [
      "a port's address out of range",
      [...LLAMA, "ports"],
      ["256.0.0.1:80:80"],
      "no IP address",
      "ports[0]' 127.0.0.1:80:80",
    ],
    [
      "a port's address cut short",
      [...LLAMA, "ports"],
      ["999.1:80:80"],
      "no IP address",
      "ports[0]' 127.0.0.1:80:80",
    ],
    ["a port's name", [...LLAMA, "ports"], ["localhost:80:80"], "no IP address", "ports[0]' 127.0.0.1:80:80"],
    [
      "a port's protocol in capitals",
      [...LLAMA, "ports"],
      ["80:80/UDP"],
      "small letters",
      "ports[0]' 127.0.0.1:80:80/udp",
    ],
    ["a blank before an image", [...LLAMA, "image"], " example/llama:1", "blank", "image' example/llama:1"],
    ["a blank after an image", [...LLAMA, "image"], "example/llama:1 ", "blank", "image' example/llama:1"],
    ["a blank in an image", [...LLAMA, "image"], "example/llama: 1", "blank", "image' example/llama:1"],
    ["two words as an image", [...LLAMA, "image"], "example llama", "blank", "image' ollama/ollama:0.6.5"],
    [
      "a repository in capitals",
      [...LLAMA, "image"],
      "Example/Llama:V1",
      "small letters",
      "image' example/llama:V1",
    ],
    [
      "one of a registry",
      [...LLAMA, "image"],
      "ghcr.io/Example/llama",
      "small letters",
      "image' ghcr.io/example/llama",
    ],
    ["an image's URL", [...LLAMA, "image"], "https://ghcr.io/a/b:1", "no image", "image' ghcr.io/a/b:1"],
    ["a digest cut short", [...LLAMA, "image"], "a/b@sha256:abc", "no image", "image' ollama/ollama:0.6.5"],
    [
      "a blank in the monitor's base image",
      ["monitor", "baseImage"],
      "node:24 ",
      "blank",
      "baseImage' node:24",
    ],
    [
      "a relative command line",
      [...OLLAMA, "exec"],
      "ollama serve",
      "absolute path",
      "exec' '/usr/bin/env ollama serve'",
    ],
    [
      "a command line relative to here",
      [...OLLAMA, "exec"],
      "./ollama",
      "absolute path",
      "exec' '/usr/local/bin/ollama serve'",
    ],
    [
      "one with all privileges",
      [...OLLAMA, "exec", "start"],
      "+/usr/bin/ollama",
      "prefix",
      "exec.start' /usr/bin/ollama",
    ],
    [
      "one that leaves its program to Docker",
      [...OLLAMA, "exec"],
      "/usr/bin/docker run --rm ollama/ollama",
      "Make the workload a container",
      "exec' '/usr/local/bin/ollama serve'",
    ],
    [
      "one that swallows the next line",
      [...OLLAMA, "exec"],
      "/usr/bin/ollama \\",
      "backslash",
      "exec' /usr/bin/ollama",
    ],
    [
      "a command line as a list",
      [...OLLAMA, "exec"],
      ["/usr/bin/ollama", "serve"],
      "exec is",
      "exec' '/usr/local/bin/ollama serve'",
    ],
    ["the network's unit", [...OLLAMA, "unit"], "networking.service", "part of the system", "rm --path"],
    ["a session of sshd", [...OLLAMA, "unit"], "ssh@1.service", "part of the system", "rm --path"],
    ["a unit without its suffix", [...OLLAMA, "unit"], "chat", "no such name", "unit' chat.service"],
    [
      "a unit of the system without its suffix",
      [...OLLAMA, "unit"],
      "networking",
      "no such name",
      "rm --path",
    ],
    [
      "a unit too long for its files",
      [...OLLAMA, "unit"],
      `${"a".repeat(140)}.service`,
      "too long",
      "rm --path",
    ],
    [
      "a name that is a unit of the system",
      ["workloads", "cron"],
      { memory: { max: "1GiB" } },
      "cron.service is part of the system",
      "cron.unit' ai-cron.service",
    ],
    ["a slice below another's", [...OLLAMA, "slice"], "ai-a-b", "no such name", "slice' ai-ab"],
    ["a slice with its suffix", [...OLLAMA, "slice"], "ai-a.slice", "no such name", "slice' ai-a"],
    ["a slice without its prefix", [...OLLAMA, "slice"], "chat", "no such name", "slice' ai-chat"],
    [
      "yes for a truth value",
      ["docker", "liveRestore"],
      "yes",
      "neither true nor false",
      "liveRestore' true",
    ],
    ["0 for a truth value", ["docker", "liveRestore"], 0, "neither true nor false", "liveRestore' false"],
    ["a duration as a number", ["monitor", "interval"], 30, "no duration", "interval' 30s"],
    ["a duration in m", [...LLAMA, "stopGrace"], "5m", "no duration", "stopGrace' 5min"],
    ["a duration in hours", ["monitor", "collect"], "1h", "no duration", "collect' 60min"],
    [
      "an interval beyond the monitor's",
      ["monitor", "interval"],
      "90min",
      "more than 60min",
      "interval' 60min",
    ],
    ["a quota beyond any host's", [...OLLAMA, "cpu", "quota"], "900000%", "more than", "quota' 819200%"],
    ["a mode that YAML read as octal", ["models", "mode"], 420, "in quotes", "mode' 0644"],
    ["a mode without quotes", ["models", "mode"], 2775, "in quotes", "mode' 02775"],
    [
      "a URL without its path",
      [...OLLAMA, "health", "http"],
      "http://a?b",
      "no such URL",
      "http' 'http://a/?b'",
    ],
    [
      "a URL with a port out of range",
      [...OLLAMA, "health", "http"],
      "http://a:65536/",
      "no such URL",
      "http' http://127.0.0.1",
    ],
    ["a path that is too long", ["models", "path"], `/${"a".repeat(600)}`, "180", "path' /srv/models"],
    [
      "a text that no bundle carries",
      [...OLLAMA, "environment", "A"],
      "\uffff",
      "environment.A is",
      "rm --path",
    ],
    ["half a character", [...OLLAMA, "environment", "A"], "\ud800", "environment.A is", "rm --path"],
    ["EarlyOOM that cannot kill later", ["earlyOom", "memoryPercent"], 1, "less than 2", "memoryPercent' 2"],
    [
      "EarlyOOM below its default",
      ["earlyOom", "memoryPercent"],
      4,
      "killMemoryPercent is by default 5",
      "killMemoryPercent' 2",
    ],
    ["the least zram", ["zram", "size"], "1MiB", "memoryLimit is by default", "memoryLimit' 1MiB"],
    [
      "zram below any swap",
      ["zram", "priority"],
      0,
      "above the swapfile's priority, 10",
      "zram.priority' 100",
    ],
    ["a size beyond counting", ["swap", "size"], "9".repeat(400), "size", "swap.size' 16GiB"],
    [
      "a range of cores beyond the kernel's",
      [...OLLAMA, "cpu", "cores"],
      "9000-1",
      "backwards",
      "cores' 0-7",
    ],
    [
      "a key that JavaScript would swallow",
      JSON.parse('["swap", "__proto__"]') as Path,
      { size: "1GiB" },
      "no such setting",
      "rm --path",
    ],
    ["a key with a quote and an escape", ["swap", "it's\u001b\""], 1, "no such setting", "rm --path"],
    ["a variable's name", [...OLLAMA, "environment", "A'B"], "x", "letters, digits and _", "rm --path"],
  ];
  it.each(refused)("%s", (_, path, value, said, fix) => {
    const config = withValue(BASE, path, value);
    const problems = problemsOf(config);
    expect(problems).toHaveLength(1);
    const [problem = ""] = problems;
    expect(problem).toMatch(/^goblin-host:\S.* is /s);
    expect(problem).toContain(said);
    expect(problem).toMatch(/\n {4}allowed: \S/);
    expect(fixOf(problem)).toContain(fix);
    expect(leftAfterFixes(config)).toEqual([]);
  });
});
