import { describe, expect, it } from "vitest";
import { GoblinHostSettings, SharedSettings } from "../components/goblin-host/schema";
import { formatPath } from "../components/settings/values";
import { LONG } from "./e2e/support/long";
import { placesOf, VALUES } from "./support/leaves";
import { BASE, type Config, leftAfterFixes, readAsPulumi, renderAll, withValue } from "./support/values";

type Path = readonly (string | number)[];

describe("any value at any place", () => {
  const places = placesOf(GoblinHostSettings).map((path) => {
    const isShared = Object.hasOwn(SharedSettings.shape, String(path[0]));
    return isShared ? path : ["hosts", "goblin", ...path];
  });

  it.each(places.map((path, index) => [formatPath(path), path, some(VALUES, 10, index)] as const))(
    "%s: is deployed, or refused with its path, what is allowed and what mends it",
    (name, path, values) => {
      const wrong = values.flatMap((value) => {
        const told = misbehaviour(path, value);
        return told === undefined ? [] : [`${name} = ${JSON.stringify(value)}: ${told}`];
      });
      expect(wrong).toEqual([]);
    },
  );

  const maps: [path: Path, value: unknown][] = [
    [["workloads"], { memory: { max: "1GiB" } }],
    [["workloads", "ollama", "environment"], "x"],
    [["hosts"], { ...BASE.hosts.goblin, address: "198.51.100.8" }],
    [["swap"], "1GiB"],
  ];
  it.each(maps.map(([path, value], index) => [formatPath(path), path, value, index] as const))(
    "%s: under any name",
    (_, path, value, index) => {
      const names = VALUES.filter((name) => typeof name === "string");
      const wrong = some(names, 3, index).flatMap((name) => {
        const told = misbehaviour([...path, name], value);
        return told === undefined ? [] : [`${JSON.stringify(name)}: ${told}`];
      });
      expect(wrong).toEqual([]);
    },
  );

  it("nothing else is thrown by what is no map at all", () => {
    const bottomless = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const wrong = [...VALUES, bottomless].flatMap((value) =>
      ["hosts", "workloads", "swap", "observe", "credentials"].flatMap((key) => {
        const read = () => readAsPulumi({ ...BASE, [key]: value });
        return attempt(read) === undefined
          ? []
          : [`${key} = ${JSON.stringify(value)}: ${attempt(read) ?? ""}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

/** All of them in `npm run test:long`; otherwise every so manieth, other ones at each place. */
function some<T>(values: readonly T[], every: number, offset: number): readonly T[] {
  return LONG ? values : values.filter((_, index) => (index + offset) % every === 0);
}

function attempt(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return `throws ${String(error)}`;
  }
}

/** What is wrong with how a value is dealt with; undefined where nothing is. */
function misbehaviour(path: Path, value: unknown): string | undefined {
  const config = withValue(BASE, path, value);
  let told: string | undefined;
  const thrown = attempt(() => {
    const read = readAsPulumi(config);
    if ("problems" in read) told = badlyTold(read.problems) ?? leftToMend(config);
    else renderAll(read);
  });
  return thrown ?? told;
}

function badlyTold(problems: readonly string[]): string | undefined {
  const bad = problems.filter(
    (text) =>
      !/^goblin-host:\S.*? (is|is by default) .*: .*\n {4}allowed: \S.*\n {4}fix: pulumi config /.test(
        text,
      ) ||
      // What a terminal would act on.
      // eslint-disable-next-line no-control-regex -- these are what is looked for
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text),
  );
  return bad.length === 0 ? undefined : `is told as ${bad.join("; ")}`;
}

function leftToMend(config: Config): string | undefined {
  const left = leftAfterFixes(config);
  return left.length === 0 ? undefined : `leaves ${left.join("; ")}`;
}
