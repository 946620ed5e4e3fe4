import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

const events = (folder: string): string[] =>
  readFileSync(join(folder, "state", "events.log"), "utf8")
    .trim()
    .split("\n");

describe("an event", () => {
  it("is one line, also where several are told at once", () => {
    inFolder((folder) => {
      bashWithStore(
        `printf -v long '%5000s' ''
        for name in a b c d; do
          for i in {1..100}; do record_event applied "$name" "$i\${long// /x}"; done &
        done
        wait`,
        folder,
      );
      const lines = events(folder);
      expect(lines).toHaveLength(400);
      for (const line of lines) expect(line).toMatch(/^\d+\tapplied\t[a-d]\t\d+x{3890,}\.\.\.$/);
    });
  });

  it("that cannot be told is a warning, and the run goes on", () => {
    inFolder((folder) => {
      const said = bashWithStore(
        `exec 2>&1; mkdir "$EVENTS"; record_event applied swap 'generation 1'; echo went on`,
        folder,
      );
      expect(said.replaceAll(folder, "")).toBe(
        "warning: /state/events.log cannot be written: the audit will not tell that swap was applied\nwent on\n",
      );
    });
  });

  it("of long ago goes when there are many, but not while another run may add one", () => {
    inFolder((folder) => {
      const many = `for i in {1..9000}; do printf '%s\\tapplied\\tswap\\tgeneration of some length\\n' "$i"; done >"$EVENTS"`;
      bashWithStore(`${many}; exec 9<>"$LOCK_FILE"; flock 9; bound_events`, folder);
      expect(events(folder)).toHaveLength(9000);
      bashWithStore('chmod 0640 "$EVENTS"; begin_look; bound_events; record_event found a b', folder);
      const lines = events(folder);
      expect(lines[0]).toMatch(/^\d+\tapplied\tswap\tgeneration of some length$/);
      expect(lines.at(-2)).toMatch(/^9000\t/);
      expect(lines.length).toBeLessThan(4500);
      expect(bashWithStore('stat -c %a "$EVENTS"', folder)).toBe("640\n");
    });
  });

  it("stays where the log cannot be written anew", () => {
    inFolder((folder) => {
      const before = `for i in {1..9000}; do printf '%s\\tapplied\\tswap\\tgeneration of some length\\n' "$i"; done >"$EVENTS"`;
      const said = bashWithStore(
        `exec 2>&1; ${before}; mv() { return 1; }; attempt bound_events; echo "status $STATUS"`,
        folder,
      );
      expect(said.replaceAll(folder, "")).toBe(
        "error: /state/events.log cannot be replaced; it is as it was\nstatus 1\n",
      );
      expect(events(folder)).toHaveLength(9000);
    });
  });
});
