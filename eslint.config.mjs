import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

const PURE = [
  "components/**/render.ts",
  "components/**/*schema.ts",
  "components/render/**/*.ts",
  "components/settings/!(parse).ts",
  "components/cgroup-service/{command-line,hardening,health-url,limits,unit,workload}.ts",
  "components/goblin-host/{between-hosts,checks,declare,empty,fix,ports,secrets,workload-checks}.ts",
  "components/host-bundle/{address,identity}.ts",
  "components/limited-container/{docker-host,image-name,port,spec}.ts",
  "components/monitor/listen.ts",
  "components/ssh/{options,target}.ts",
  "components/observation/{compare,drift,owners}.ts",
  "monitor/{parse,render,report,config}/**/*.ts",
  "monitor/page/model/**/*.ts",
  "monitor/alerts/{inputs,machine}.ts",
  "grafana/**/*.ts",
];
const ONE_DOOR = {
  group: ["@pulumi/command", "@pulumi/command/*"],
  message: "Only components/host-bundle changes hosts.",
};
const ONE_WINDOW = {
  group: ["**/ssh/run"],
  message: "Only components/observation looks at hosts, and who makes way for a container.",
};

export default tseslint.config(
  { ignores: ["dist/**", "monitor/dist/**", "node_modules/**", "examples/**"] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allow: [{ from: "file", name: "Size" }] },
      ],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    // What runs before TypeScript can be read.
    files: ["**/*.cjs"],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      sourceType: "commonjs",
      globals: { require: "readonly", module: "readonly", process: "readonly", __dirname: "readonly" },
    },
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      "@typescript-eslint/no-require-imports": "off",
    },
  },
  {
    files: ["components/**/*.ts", "index.ts", "config.ts"],
    ignores: ["components/host-bundle/**", ...PURE],
    rules: { "no-restricted-imports": ["error", { patterns: [ONE_DOOR, ONE_WINDOW] }] },
  },
  {
    files: ["components/observation/observe.ts", "components/limited-container/make-way.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [ONE_DOOR] }] },
  },
  {
    // Renderers and schemas are pure: what they return depends on their arguments alone.
    files: PURE,
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["@pulumi/*", "node:*", "fs", "os", "path"],
              message: "Renderers and schemas are pure.",
            },
          ],
        },
      ],
    },
  },
  {
    // Its SDK prefers the model (v2) that Grafana before 13 does not read.
    files: ["grafana/**/*.ts"],
    rules: {
      "@typescript-eslint/no-deprecated": [
        "error",
        {
          allow: [
            {
              from: "package",
              package: "@grafana/grafana-foundation-sdk",
              name: ["Dashboard", "DashboardBuilder"],
            },
          ],
        },
      ],
    },
  },
  { files: ["test/**/*.ts", "scripts/**/*.ts", "bench/**/*.ts", "cli/*.ts"], rules: { "no-console": "off" } },
  { files: ["**/*.mjs", "**/*.mts"], ...tseslint.configs.disableTypeChecked },
);
