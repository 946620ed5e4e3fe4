import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**"] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    // Renderers and schemas are pure: what they return depends on their arguments alone.
    files: ["components/**/render.ts", "components/**/schema.ts", "components/render/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@pulumi/*", "node:*", "fs", "os", "path"], message: "Renderers and schemas are pure." }] },
      ],
    },
  },
  {
    files: ["components/**/*.ts", "index.ts", "config.ts"],
    ignores: ["components/host-bundle/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@pulumi/command", "@pulumi/command/*"], message: "Only components/host-bundle talks to hosts." }] },
      ],
    },
  },
  { files: ["test/**/*.ts", "scripts/**/*.ts"], rules: { "no-console": "off" } },
  { files: ["**/*.mjs", "**/*.mts"], ...tseslint.configs.disableTypeChecked },
);
