import { describe, expect, it } from "vitest";
import { bash } from "./manager";

/** What a bundle that wants docker.io, unless docker-ce is there, finds and refuses with these installed. */
function judge(installed: readonly string[]): string[] {
  const script = `
    dpkg-query() { for package in "\${@:4}"; do case " ${installed.join(" ")} " in *" $package "*) echo "$package installed" ;; esac; done; }
    NAME=docker WANT=([packages]=$'docker.io\\n' ["packages|docker.io|unless"]=docker-ce)
    look; preflight_packages; find_package_drift; printf '%s\\n' "\${PROBLEMS[@]}" "\${FINDINGS[@]}"`;
  return bash(script)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^.*\t/, ""));
}

describe("a package that another may stand in for", () => {
  it("is wanted where neither is installed, and only there", () => {
    expect(judge([])).toEqual(["package not installed"]);
    expect(judge(["docker.io"])).toEqual([]);
    expect(judge(["docker-ce"])).toEqual([]);
  });

  it("is refused and drift where both are", () => {
    expect(judge(["docker.io", "docker-ce"])).toEqual([
      "docker.io and docker-ce are both installed: decide on one and remove the other (apt-get remove docker.io), then run this again",
      "installed are docker.io and docker-ce",
    ]);
  });
});
