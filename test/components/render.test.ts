import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatCpuList, parseCpuList } from "../../components/render/cpu-list";
import {
  quoteEnvironment,
  quoteEnvironmentFile,
  quoteExecArgument,
  quotePasted,
  quoteShell,
} from "../../components/render/shell";
import { Size } from "../../components/render/size";
import { renderUnitFile } from "../../components/render/unit-file";
import { escapeUnitPath } from "../../components/render/unit-name";

describe("Size", () => {
  it.each([
    ["512MiB", 536870912],
    ["16GiB", 17179869184],
    ["1TiB", 1099511627776],
    ["512M", 536870912],
    ["16G", 17179869184],
    ["1T", 1099511627776],
    ["16 GiB", 17179869184],
    ["0", 0],
    [0, 0],
  ])("reads %s", (text, bytes) => {
    expect(Size.parse(text).bytes).toBe(bytes);
  });

  it.each([
    ["16GB", "16GiB"],
    ["16gb", "16GiB"],
    ["16gib", "16GiB"],
    ["512mb", "512MiB"],
    ["1.5GiB", "1536MiB"],
    ["1.5", "2GiB"],
    ["8", "8GiB"],
    ["8192", "8192MiB"],
    ["8589934592", "8192MiB"],
    ["-1GiB", undefined],
    ["16KiB", undefined],
    ["16PiB", undefined],
    ["", undefined],
    ["GiB", undefined],
    ["1e3MiB", undefined],
    ["0x10MiB", undefined],
    ["99999999999TiB", undefined],
  ])("refuses %s, suggesting %s", (text, suggestion) => {
    expect(() => Size.parse(text)).toThrow(expect.objectContaining({ suggestion }) as Error);
  });

  it("converts exactly or not at all", () => {
    expect(Size.parse("8GiB").mebibytes).toBe(8192);
    expect(() => Size.ofBytes(1000).mebibytes).toThrow("no whole number of MiB");
    expect(() => Size.ofBytes(1.5)).toThrow("1.5 is no number of bytes");
    expect(Size.parse("8GiB").share(90).toString()).toBe("7372MiB");
    expect(["8GiB", "1536MiB", "2048GiB", "0"].map((text) => Size.parse(text).toSystemd())).toEqual([
      "8G",
      "1536M",
      "2T",
      "0",
    ]);
    expect(Size.ofBytes(5000).toSystemd()).toBe("5000");
  });
});

describe("CPU lists", () => {
  it.each([
    ["0", "0"],
    [3, "3"],
    ["0-3,6", "0-3,6"],
    ["6,0-3", "0-3,6"],
    ["0,1,2,3", "0-3"],
    ["0-3,2-5", "0-5"],
    ["007", "7"],
    ["0 - 3".replaceAll(" ", ""), "0-3"],
  ])("normalise %s to %s", (text, normal) => {
    expect(formatCpuList(parseCpuList(text))).toBe(normal);
  });

  it.each(["7-0", "", "0-", "-1", "a", "0,,1", "0-3-5", "8192", "0;1", "0\n1", "0x1"])(
    "refuse %j",
    (text) => {
      expect(() => parseCpuList(text)).toThrow(RangeError);
    },
  );
});

describe("unit files", () => {
  it("are sorted, keep the order of a list, and leave empty sections out", () => {
    expect(
      renderUnitFile({
        Unit: [],
        Service: [
          ["MemoryMax", "8G"],
          ["ExecStart", ""],
          ["ExecStart", "/bin/true"],
          ["CPUQuota", "200%"],
        ],
        Install: [["WantedBy", "multi-user.target"]],
      }),
    ).toBe(`# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.

[Service]
CPUQuota=200%
ExecStart=
ExecStart=/bin/true
MemoryMax=8G

[Install]
WantedBy=multi-user.target
`);
  });

  it.each(["a\nb", "a\r", "\u0000", "a\\"])("refuse the value %j", (value) => {
    expect(() => renderUnitFile({ Service: [["ExecStart", value]] })).toThrow(RangeError);
  });
});

describe("quoting", () => {
  it("for the shell survives the shell", () => {
    for (const word of ["", "a b", "it's", "$HOME", "`id`", 'a"b', "\\", "*", "-n", "ü€"]) {
      expect(execFileSync("sh", ["-c", `printf %s ${quoteShell(word)}`], { encoding: "utf8" })).toBe(word);
    }
  });

  it("for an operator's shell survives it, and shows what a terminal would act on", () => {
    const words = ["plain", "it's", "a\\b", "\u001b[31m", "line\nbreak's \\ \u202e", "\u0085"];
    for (const word of words) {
      const quoted = quotePasted(word);
      const options = { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } } as const;
      expect(execFileSync("bash", ["-c", `printf %s ${quoted}`], options)).toBe(word);
      expect(quoted).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it("for a file of variables is read by a shell as it is by systemd", () => {
    for (const value of ["", "a b ", "it's", "$HOME ${X}", "`id`", 'a"b', "\\", "\\$", "# no", "50%", "ü€"]) {
      const script = `${quoteEnvironmentFile("A_1", value)}\nprintf %s "$A_1"`;
      expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(value);
    }
    expect(quoteEnvironmentFile("A", 'x "y" $z 50% \\ `')).toBe('A="x \\"y\\" \\$z 50% \\\\ \\`"');
    expect(() => quoteEnvironmentFile("A", "hunter2\n")).toThrow("the value of A holds a control character");
  });

  it("for systemd's command lines and variables", () => {
    expect(["-m", "10,5", "a b", "^(x|y)$", "100%", 'q"q', "b\\s"].map(quoteExecArgument)).toEqual([
      "-m",
      "10,5",
      '"a b"',
      '"^(x|y)$$"',
      "100%%",
      '"q\\"q"',
      '"b\\\\s"',
    ]);
    expect(quoteEnvironment("A", 'x "y" $z 50% \\')).toBe('"A=x \\"y\\" $z 50%% \\\\"');
    // What the host would take for one of its tokens is the same text to systemd, by its number.
    expect(quoteEnvironment("A", "@{cores-except:0}")).toBe('"A=@\\x7bcores-except:0}"');
    expect(() => quoteShell("a\nb")).toThrow("control character");
  });
});

describe("unit names of paths", () => {
  const paths = [
    "/swapfile",
    "/srv/my-swap",
    "/.hidden/swap",
    "//var//swap.img/",
    "/",
    "/a_b:c",
    "/ü",
    "/a b",
    "/srv/a+b@c\\d",
    "/-",
  ];
  it("escape as systemd does", () => {
    expect(paths.map(escapeUnitPath)).toEqual([
      "swapfile",
      "srv-my\\x2dswap",
      "\\x2ehidden-swap",
      "var-swap.img",
      "-",
      "a_b:c",
      "\\xc3\\xbc",
      "a\\x20b",
      "srv-a\\x2bb\\x40c\\x5cd",
      "\\x2d",
    ]);
  });

  it.skipIf(!existsSync("/usr/bin/systemd-escape"))("agree with systemd-escape", () => {
    const told = execFileSync("systemd-escape", ["--path", ...paths], { encoding: "utf8" }).trim();
    expect(paths.map(escapeUnitPath).join(" ")).toBe(told);
  });
});
