import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

/** Systemd, the clock and the engine are told what they say; everything else is the manager's own. */
const STUBS = `
NOW=100
uptime_seconds() { REPLY=$NOW; }
systemctl() { echo "systemctl $*"; }
systemd-run() { local word; for word in "$@"; do case $word in --on-boot=*) echo "timer $word";; --unit=*) echo "timer \${word%-*-*}";; esac; done; }
apply_bundle() {
  local digest; read -r digest <"$2"
  echo "applied $1 $digest reverting=$REVERTING"
  [[ -z $FAIL ]] || return 1
  ln -sfn "../versions/$1@9" "$STATE/bundles/$1"
}
remove_bundle() { echo "removed $1"; rm -f "$STATE/bundles/$1"; }
FAIL=''
WANT=(["meta|confirm|"]=30)
SPOOL=$PWD/spool
`;

interface Store {
  /** The version in force, by its digest; none where there is none yet. */
  readonly inForce?: string;
  /** The version to go back to. */
  readonly good?: string;
}

/** What the text prints on a host whose bundle `x` stands like this, and which changes of it wait at the end. */
function on(folder: string, { inForce, good }: Store, text: string): { said: string[]; waiting: string[] } {
  const state = join(folder, "state");
  for (const part of ["versions", "bundles", "unconfirmed"])
    mkdirSync(join(state, part), { recursive: true });
  for (const digest of [inForce, good]) {
    if (digest === undefined || digest === "nothing") continue;
    const version = join(state, "versions", `x@${digest}`);
    mkdirSync(version, { recursive: true });
    writeFileSync(join(version, "digest"), `${digest}\n`);
    writeFileSync(join(version, "bundle.yaml"), `${digest}\n`);
  }
  if (inForce !== undefined) symlinkSync(`../versions/x@${inForce}`, join(state, "bundles", "x"));
  if (good !== undefined)
    symlinkSync(good === "nothing" ? good : `../versions/x@${good}`, join(state, "unconfirmed", "x"));
  const said = bashWithStore(`${STUBS}\n${text}`, folder).trim().split("\n");
  return { said: said.filter((line) => line !== ""), waiting: readdirSync(join(state, "unconfirmed")) };
}

describe("a change that needs its confirmation", () => {
  it("remembers what to go back to, and its timer, before anything happens", () => {
    inFolder((folder) => {
      const text = `expect_confirmation x new; readlink "$STATE/unconfirmed/x"; cat "$RUN/confirm-by%x" | cut -d ' ' -f 1`;
      const { said } = on(folder, { inForce: "old" }, text);
      expect(said).toEqual([
        "timer --unit=ai-resource-manager-revert-x",
        "timer --on-boot=130",
        "../versions/x@old",
        "130",
      ]);
    });
  });

  it("goes back to nothing where it is the first", () => {
    inFolder((folder) => {
      expect(
        on(folder, {}, `expect_confirmation x new >/dev/null; readlink "$STATE/unconfirmed/x"`).said,
      ).toEqual(["nothing"]);
    });
  });

  it.each([
    ["the same text again", "expect_confirmation x old"],
    ["a repair from the store", "STORED=1 expect_confirmation x new"],
    ["the way back", "REVERTING=1 expect_confirmation x new"],
    ["a bundle without a window", "WANT=(); expect_confirmation x new"],
  ])("is not %s", (_, text) => {
    inFolder((folder) => {
      expect(on(folder, { inForce: "old" }, text)).toEqual({ said: [], waiting: [] });
    });
  });

  it("keeps the last version that was good when another change follows before the confirmation", () => {
    inFolder((folder) => {
      const text = `expect_confirmation x newest >/dev/null; readlink "$STATE/unconfirmed/x"`;
      expect(on(folder, { inForce: "new", good: "old" }, text).said).toEqual(["../versions/x@old"]);
    });
  });

  it("is confirmed by its digest alone, and then stays", () => {
    inFolder((folder) => {
      const text = `arm x 30 >/dev/null; confirm_bundle x new; NOW=999; revert_overdue`;
      const { said, waiting } = on(folder, { inForce: "new", good: "old" }, text);
      expect(said.at(-1)).toBe("x: confirmed");
      expect(waiting).toEqual([]);
    });
  });

  it("that went back and of which nothing is kept cannot be confirmed any more", () => {
    inFolder((folder) => {
      const text = `attempt confirm_bundle x new 2>&1; echo "status $STATUS"`;
      expect(on(folder, { inForce: "old" }, text).said).toEqual([
        expect.stringMatching(
          /^error: the last change of x is not in force .*nothing is kept of it: run pulumi up/,
        ),
        "status 1",
      ]);
    });
  });

  it("that went back is applied once more, and says that it is not confirmed", () => {
    inFolder((folder) => {
      const kept = `mkdir -p "$STATE/versions/x@3"; cd "$STATE/versions/x@3"
        echo new >digest; echo new >bundle.yaml; echo 1 >applied; cd - >/dev/null`;
      const text = `${kept}; expect_confirmation x new >/dev/null; attempt confirm_bundle x new 2>&1; echo "status $STATUS"`;
      const { said, waiting } = on(folder, { inForce: "old" }, text);
      expect(said).toEqual([
        "x: its change went back because nobody confirmed it in time. It is applied once more",
        "applied x new reverting=",
        expect.stringMatching(/^error: the change of x had gone back .*: run pulumi up again now$/),
        "status 1",
      ]);
      expect(waiting).toEqual(["x"]);
    });
  });

  it("goes back when its time is over, as a new version, and not before", () => {
    inFolder((folder) => {
      const text = `arm x 30 >/dev/null; NOW=129; revert_overdue; echo "at 130"; NOW=130; revert_overdue`;
      const { said, waiting } = on(folder, { inForce: "new", good: "old" }, text);
      expect(said.slice(0, 3)).toEqual([
        "at 130",
        "x: nobody confirmed its last change in time, so it goes back",
        "applied x old reverting=1",
      ]);
      expect(waiting).toEqual([]);
    });
  });

  it("goes back after a reboot, whose clock starts anew", () => {
    inFolder((folder) => {
      const { said } = on(folder, { inForce: "new", good: "nothing" }, "revert_overdue");
      expect(said).toEqual(["x: nobody confirmed its last change in time, so it goes back", "removed x"]);
    });
  });

  it("stays while its confirmation waits for the lock", () => {
    inFolder((folder) => {
      const text = `arm x 30 >/dev/null; NOW=999; heard x; revert_overdue`;
      expect(on(folder, { inForce: "new", good: "old" }, text)).toEqual({ said: [], waiting: ["x"] });
    });
  });

  it("waits on when the way back fails", () => {
    inFolder((folder) => {
      const text = `FAIL=1; revert_overdue 2>/dev/null; echo "status $STATUS"`;
      const { said, waiting } = on(folder, { inForce: "new", good: "old" }, text);
      expect(said.at(-1)).toBe("status 1");
      expect(waiting).toEqual(["x"]);
    });
  });

  it("has nothing to wait for when its apply was rolled back", () => {
    inFolder((folder) => {
      expect(on(folder, { inForce: "old", good: "old" }, "settle_confirmation x").waiting).toEqual([]);
      expect(on(folder, {}, "true").waiting).toEqual([]);
    });
  });
});
