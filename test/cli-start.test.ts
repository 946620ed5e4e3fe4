import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const LONG_AGO = new Date("2020-01-01T00:00:00Z");
let folder: string;
let kept: string;

/** A checkout with one command, which says what a component says. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goblin-host-start-"));
  kept = join(folder, "node_modules/.cache/goblin-host/say.cjs");
  for (const name of ["cli", "components/words", "host", "node_modules"])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ["esbuild", "@esbuild"])
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  copyFileSync(join(ROOT, "cli/start.cjs"), join(folder, "cli/start.cjs"));
  write("package.json", "{}");
  write("tsconfig.json", "{}");
  mkdirSync(join(folder, "node_modules/loud"));
  write("node_modules/loud/package.json", "{}");
  write("node_modules/loud/index.js", 'module.exports = (word) => word + "!";');
  write("host/word", "read");
  write(
    "cli/say.ts",
    'import loud = require("loud");\nimport { word } from "../components/words/word";\n' +
      "console.log(loud(word), ...process.argv.slice(2));",
  );
  say("first");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** As old as a checkout is when it runs; what is written while it is bundled is another test's. */
function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
  utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
}

function say(word: string): void {
  write(
    "components/words/word.ts",
    'import { readFileSync } from "node:fs";\nimport { join } from "node:path";\n' +
      `export const word: string = "${word} " + readFileSync(join(__dirname, "..", "..", "host", "word"), "utf8");`,
  );
}

const run = (...args: string[]): string =>
  execFileSync(process.execPath, ["cli/start.cjs", "say", ...args], { cwd: folder, encoding: "utf8" });

describe("a command's start", () => {
  it("runs it with its arguments, and reads beside the components", () => {
    expect(run("--stack", "prod")).toBe("first read! --stack prod\n");
  });

  it("keeps what it made, and uses that", () => {
    run();
    const made = readFileSync(kept, "utf8");
    // Only the one that was kept says this.
    writeFileSync(kept, made.replace('"first "', '"kept "'));
    expect(run()).toBe("kept read!\n");
  });

  it("makes it anew when a file of it was changed, to the same size and time too", () => {
    run();
    say("other");
    expect(run()).toBe("other read!\n");
    say("third");
    expect(run()).toBe("third read!\n");
  });

  it.each(["package.json", "tsconfig.json", "node_modules/loud/index.js", "cli/start.cjs"])(
    "makes it anew when %s was changed",
    (name) => {
      run();
      writeFileSync(kept, readFileSync(kept, "utf8").replace('"first "', '"kept "'));
      write(name, `${readFileSync(join(folder, name), "utf8")} `);
      expect(run()).toBe("first read!\n");
    },
  );

  it("makes it anew in a checkout that was moved", () => {
    run();
    const before = folder;
    folder = `${before}-moved`;
    execFileSync("mv", [before, folder]);
    expect(run()).toBe("first read!\n");
  });

  it("keeps nothing of a file that was written while it was read", () => {
    writeFileSync(join(folder, "cli/say.ts"), 'console.log("new");');
    utimesSync(join(folder, "cli/say.ts"), new Date(Date.now() + 60_000), new Date(Date.now() + 60_000));
    expect(run()).toBe("new\n");
    expect(existsSync(kept)).toBe(false);
  });

  it("makes it anew of what is not whole, or nobody's", () => {
    run();
    for (const text of ["", "//{}\n", "console.log('no')", readFileSync(kept, "utf8").slice(0, 40)]) {
      writeFileSync(kept, text);
      expect(run()).toBe("first read!\n");
    }
  });

  it("runs where nothing can be kept", () => {
    write("node_modules/.cache", "no folder");
    expect(run()).toBe("first read!\n");
  });
});
