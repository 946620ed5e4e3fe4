import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "goblin-package-"));
const require = createRequire(import.meta.url);
const typescript = dirname(require.resolve("typescript/package.json"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The library example of the README, or the one it will hold. */
function example(): string {
  const shown = /```ts\n([^`]*from "goblin-host";[^`]*)```/.exec(readReadme())?.[1];
  return shown ?? readFileSync("examples/library.ts", "utf8");
}

function readReadme(): string {
  try {
    return readFileSync("README.md", "utf8");
  } catch {
    return "";
  }
}

const npm = (cwd: string, ...args: string[]) =>
  execFileSync("npm", [...args, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd,
    encoding: "utf8",
  });

it(
  "installs from its tarball into an empty project, compiles the example and runs it",
  { timeout: 120_000 },
  () => {
    const packed = JSON.parse(npm(process.cwd(), "pack", "--json", "--pack-destination", folder)) as [
      { filename: string; files: { path: string }[] },
    ];
    const data = packed[0].files.map(({ path }) => path).filter((path) => /^(grafana|prometheus)/.test(path));
    expect(data).toEqual([
      ...["alerts", "fleet", "gpu", "host", "verdicts", "workloads"].map(
        (name) => `grafana/dashboards/airm-${name}.json`,
      ),
      "prometheus/ai-resource-monitor.rules.yml",
    ]);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true }));
    npm(folder, "install", "--ignore-scripts", join(folder, packed[0].filename));
    writeFileSync(join(folder, "index.ts"), example());
    const compilerOptions = {
      strict: true,
      module: "commonjs",
      target: "es2022",
      lib: ["es2023"],
      types: [],
      skipLibCheck: true,
      outDir: "out",
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
    execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", folder], { stdio: "inherit" });

    const program = `
    const pulumi = require("@pulumi/pulumi");
    const names = [];
    pulumi.runtime.setMocks({
      newResource: ({ type, name, inputs }) => {
        if (type === "command:remote:Command") names.push(name);
        return { id: name, state: inputs };
      },
      call: () => { throw new Error("unexpected call"); },
    }).then(() => { require("./out/index.js"); return pulumi.runtime.disconnect(); }).then(() => console.log(names.join(" ")));
  `;
    const told = execFileSync(process.execPath, ["-e", program], { cwd: folder, encoding: "utf8" });
    expect(told.trim()).toBe(
      "goblin-manager-bundle-apply goblin-swap-bundle-apply goblin-swap-bundle-confirm",
    );
  },
);
