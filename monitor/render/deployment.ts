import type { Deployment } from "../parse/documents";
import type { Course, Period } from "../report/deployment";
import { percent } from "./numbers";
import { localTime } from "./times";

/** The report for people: the host before a deployment and after it. */
export function renderDeployment(
  { id, startedAt, appliedAt, bundles }: Deployment,
  end: number,
  before: Period,
  after: Period,
  utcOffsetMinutes: number,
): string {
  const at = (time: number): string => localTime(time, utcOffsetMinutes);
  const names = [...new Set([...before.courses.keys(), ...after.courses.keys()])];
  const rows = names.map((name) => [
    name,
    ...pair(before.courses.get(name)),
    ...pair(after.courses.get(name)),
  ]);
  const kinds = [...new Set([...before.alerts.keys(), ...after.alerts.keys()])];
  const alerts = kinds.map((kind) => [kind, "", times(before, kind), "", times(after, kind)]);
  return [
    `Deployment ${id} of ${bundles.join(", ")}`,
    `applied ${at(startedAt * 1000)} to ${at(appliedAt * 1000)}, watched until ${at(end)}`,
    "",
    ...table([
      ["", "before", "", "after", ""],
      ["", "mean", "most", "mean", "most"],
      ...rows,
      ["records", "", String(before.records), "", String(after.records)],
      ...(alerts.length === 0
        ? [["alerts raised", "", "0", "", "0"]]
        : [["alerts raised", "", "", "", ""], ...alerts]),
    ]),
    "",
  ].join("\n");
}

function pair(course: Course | undefined): [string, string] {
  return course === undefined ? ["-", "-"] : [percent(course.mean), percent(course.max)];
}

function times({ alerts }: Period, kind: string): string {
  return String(alerts.get(kind) ?? 0);
}

/** The first column to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
