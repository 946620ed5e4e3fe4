import { expect, test } from "vitest";
import { parseOptions, UsageError } from "../../monitor/cli/options";
import { DEFAULT_ROOTS } from "../../monitor/host/roots";

function problems(...args: string[]): readonly string[] {
  try {
    parseOptions(args);
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    throw error;
  }
  return [];
}

test("a mode, and defaults for the rest", () => {
  expect(parseOptions(["--display"])).toEqual({
    mode: "display",
    configFile: "/etc/ai-resource-monitor/config.json",
    roots: DEFAULT_ROOTS,
  });
  const options = parseOptions([
    "serve",
    "--path.procfs",
    "/host/proc",
    "--path.run=/r",
    "--config",
    "/c.json",
  ]);
  expect(options.mode).toBe("serve");
  expect(options.configFile).toBe("/c.json");
  expect(options.roots).toEqual({ ...DEFAULT_ROOTS, procfs: "/host/proc", run: "/r" });
});

test("all problems at once", () => {
  expect(problems("bogus", "--x", "-v", "--path.run", "rel", "--config", "--json", "--collect")).toEqual([
    'there is no argument "bogus"; allowed: serve',
    "there is no option --x",
    "there is no option -v",
    "--path.run is rel; allowed: an absolute path",
    "--config is --json; allowed: an absolute path",
  ]);
});

test.each([
  [[], "one of serve, --collect, --display, --json, --prometheus, --alerts, --help, --version is needed"],
  [["--json", "serve"], "only one of --json, serve at a time"],
  [["--json=x"], "--json takes no value"],
  [["--json", "--path.state"], "--path.state is without a value; allowed: an absolute path"],
])("%j", (args, problem) => {
  expect(problems(...args)).toEqual([problem]);
});
