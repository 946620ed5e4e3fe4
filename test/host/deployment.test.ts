import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseDeployment } from "../../monitor/parse/documents";
import { bashWithStore, inFolder } from "./manager";

/** The clock of the test: printf's own cannot be set. */
const clock = (text: string): string => `
NOW=1764008100
printf() {
  if [[ $1 == -v && $3 == '%(%s)T' && $4 == -1 ]]; then builtin printf -v "$2" %s "$NOW"; else builtin printf "$@"; fi
}
${text}`;

it("applies that follow one another are one deployment; what the host does by itself is none", () => {
  inFolder((folder) => {
    const published = (text: string) => {
      bashWithStore(clock(text), folder);
      return parseDeployment(readFileSync(join(folder, "run", "deployment.json"), "utf8"));
    };
    const first = { id: "20251124T181500Z", startedAt: 1764008100, appliedAt: 1764008100, bundles: ["swap"] };
    expect(published("remember_deployment swap")).toEqual(first);
    expect(published("NOW=$((NOW + 600)); remember_deployment slices; remember_deployment swap")).toEqual({
      ...first,
      appliedAt: 1764008700,
      bundles: ["swap", "slices"],
    });
    const next = {
      id: "20251124T183501Z",
      startedAt: 1764009301,
      appliedAt: 1764009301,
      bundles: ["zram"],
    };
    expect(published("NOW=$((NOW + 1201)); remember_deployment zram")).toEqual(next);
    for (const own of ["BOOTING=1", "STORED=1", "REVERTING=1"])
      expect(published(`NOW=$((NOW + 9999)); ${own}; remember_deployment docker`)).toEqual(next);
    // After a boot /run is empty.
    expect(published('rm "$RUN/deployment.json"; publish_deployment')).toEqual(next);
  });
});

it("a deployment that cannot be written down is a warning, and one that was torn says nothing", () => {
  inFolder((folder) => {
    const said = bashWithStore(
      clock(`exec 2>&1
      remember_deployment swap
      mv() { return 1; }
      NOW=$((NOW + 5)); remember_deployment zram
      echo went on`),
      folder,
    );
    expect(said.replaceAll(folder, "")).toBe(`error: /state/deployment cannot be replaced; it is as it was
warning: the monitor is not told of this: it shows what was before
went on
`);
    expect(readFileSync(join(folder, "state", "deployment"), "utf8")).toBe(
      "20251124T181500Z 1764008100 1764008100 swap\n",
    );
    bashWithStore(clock(`echo '20251124T1815' >"$DEPLOYMENT"; remember_deployment docker`), folder);
    expect(readFileSync(join(folder, "state", "deployment"), "utf8")).toBe(
      "20251124T181500Z 1764008100 1764008100 docker\n",
    );
  });
});
