import { describe, expect, test } from "vitest";
import type { Sample } from "../../monitor/render/prometheus/family";
import { FamilyText } from "../../monitor/render/prometheus/family-text";
import type { Report } from "../../monitor/report/report";

const HEAD = "# HELP airm_x Of this test.\n# TYPE airm_x gauge\n";

/** A family that tells, at each step, what the step says. */
function steps(...told: (readonly Sample[])[]): string[] {
  const left = [...told];
  const text = new FamilyText("airm_x", {
    name: "x",
    type: "gauge",
    help: "Of this test.",
    samples: () => left.shift() ?? [],
  });
  return told.map(() => text.of({} as Report));
}

describe("a family's text, told again, is what it would be told first", () => {
  test.each<[string, readonly Sample[], string]>([
    ["another value", [[{ service: "a" }, 2]], 'airm_x{service="a"} 2\n'],
    ["another label's value", [[{ service: "b" }, 1]], 'airm_x{service="b"} 1\n'],
    ["a label more", [[{ service: "a", gpu: "0" }, 1]], 'airm_x{service="a",gpu="0"} 1\n'],
    ["a label less", [[{}, 1]], "airm_x 1\n"],
    ["another label instead", [[{ gpu: "a" }, 1]], 'airm_x{gpu="a"} 1\n'],
    [
      "a sample more",
      [
        [{ service: "a" }, 1],
        [{ service: "b" }, 1],
      ],
      'airm_x{service="a"} 1\nairm_x{service="b"} 1\n',
    ],
    ["a zero's sign", [[{ service: "a" }, -0]], 'airm_x{service="a"} 0\n'],
    ["the same", [[{ service: "a" }, 1]], 'airm_x{service="a"} 1\n'],
  ])("%s", (_, later, lines) => {
    expect(steps([[{ service: "a" }, 1]], later)[1]).toBe(HEAD + lines);
  });

  test("nothing, and then what it was", () => {
    const one: Sample[] = [[{ service: "a" }, 1]];
    expect(steps(one, [], [[{ service: "a" }, undefined]], one)).toEqual([
      `${HEAD}airm_x{service="a"} 1\n`,
      "",
      "",
      `${HEAD}airm_x{service="a"} 1\n`,
    ]);
  });

  test("places changed", () => {
    const [a, b]: Sample[] = [
      [{ service: "a" }, 1],
      [{ service: "b" }, 2],
    ];
    if (a === undefined || b === undefined) throw new Error("two");
    expect(
      steps(
        [a, b],
        [
          [{ ...b[0] }, 2],
          [{ ...a[0] }, 1],
        ],
      )[1],
    ).toBe(`${HEAD}airm_x{service="b"} 2\nairm_x{service="a"} 1\n`);
  });
});
