import { describe, expect, it } from "vitest";
import { bash, inFolder } from "./manager";

/** The unit's state as `verify` and `status` find it when systemd says one after the other, and how often they asked. */
function found(states: readonly string[], wanted: string): { state: string; asked: number } {
  return inFolder((folder) => {
    const script = `
      states=(${states.join(" ")})
      systemctl() {
        local -i asked=0
        [[ ! -e asked ]] || asked=$(<asked)
        echo $((asked + 1)) >asked
        echo "ActiveState=\${states[asked < \${#states[@]} ? asked : -1]}"
      }
      sleep() { :; }
      EVERYTHING=(${wanted})
      observe_units EVERYTHING
      await_units EVERYTHING
      seen a.service ActiveState
      echo "$REPLY $(<asked)"`;
    const [state = "", asked] = bash(script, folder).trim().split(" ");
    return { state, asked: Number(asked) };
  });
}

const SERVICE = "[units]=$'a.service\\n' ['units|a.service|active']=true";
const CONTAINER = "[ready]=$'a.service\\n' ['ready|a.service|start']=true";

describe("a unit that must be active", () => {
  it("is asked about once when it is, or is not and will not be", () => {
    for (const state of ["active", "failed", "inactive"])
      expect(found([state], SERVICE)).toEqual({ state, asked: 1 });
  });

  it("is waited for while systemd starts it or restarts it", () => {
    for (const wanted of [SERVICE, CONTAINER])
      expect(found(["deactivating", "activating", "activating", "active"], wanted)).toEqual({
        state: "active",
        asked: 5,
      });
    expect(found(["activating", "failed"], CONTAINER)).toEqual({ state: "failed", asked: 3 });
  });

  it("is told as it is when it starts for ever, also when it is active at times", () => {
    expect(found(["activating"], SERVICE)).toEqual({ state: "activating", asked: 21 });
    const loop = Array.from({ length: 20 }, (_, look) => (look % 4 === 2 ? "active" : "activating"));
    expect(found([...loop, "activating"], SERVICE)).toEqual({ state: "activating", asked: 21 });
  });

  it("is not waited for where it may be inactive", () => {
    expect(found(["activating", "active"], "[units]=$'a.service\\n'")).toEqual({
      state: "activating",
      asked: 1,
    });
  });
});
