import { expect, it } from "vitest";
import { describe } from "./describe";

const bundle = (...files: string[]): { stdin: string } => ({
  stdin: `name: "swap"\n${files.length === 0 ? "" : `files:\n${files.join("")}`}end: true\n`,
});
const file = (path: string): string =>
  `  ${path}:\n    content: |2+\n      [Swap]\n      What=/a\n    mode: "0644"\n`;

it("lays out a file that comes and one that goes", () => {
  expect(describe(bundle(file("/etc/a"), file("/etc/b")), bundle(file("/etc/b"), file("/etc/c")))).toBe(`\
~ stdin: (yaml) {
    ~ files: {
        - /etc/a: {
            - content:
                - [Swap]
                - What=/a
            - mode: "0644"
          }
        + /etc/c: {
            + content:
                + [Swap]
                + What=/a
            + mode: "0644"
          }
      }
  }`);
});

it("says nothing where nothing differs", () => {
  expect(describe(bundle(file("/etc/a")), bundle(file("/etc/a")))).toBe("");
});
