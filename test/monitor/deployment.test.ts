import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renderLogLine } from "../../monitor/alerts/log";
import { DeploymentReports } from "../../monitor/output/deployment-reports";
import { History, type HistoryRecord } from "../../monitor/output/history";
import { parseDeployment } from "../../monitor/parse/documents";
import { summarize, watchedDeployment } from "../../monitor/report/deployment";
import type { Report } from "../../monitor/report/report";
import { settled } from "./fixture-host";

const HOUR = 3_600_000;
const START = Date.parse("2026-11-24T18:15:00Z");
const deployment = {
  id: "20261124T181500Z",
  startedAt: START / 1000,
  appliedAt: START / 1000 + 300,
  bundles: ["slices", "workload-ollama"],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goblin-deployment-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const record = (time: number, memory: number, firing: string[] = []): HistoryRecord => ({
  time: `${new Date(time).toISOString().slice(0, 19)}Z`,
  memory,
  swap: null,
  cpu: 0.1,
  disk: 0.5,
  services: { ollama: { memory: memory / 2, cpu: 0.2 }, llamacpp: null },
  firing,
});

/** What is asked of a report; everything else of one does not matter here. */
const at = (time: number, watchHours = 24): Report =>
  ({
    snapshot: { deployment, time },
    config: settled({ watchHours }),
    utcOffsetMinutes: 60,
  }) as unknown as Report;

describe("a deployment", () => {
  test("is read as the manager writes it, and nothing else is", () => {
    expect(parseDeployment(JSON.stringify(deployment))).toEqual(deployment);
    expect(() => parseDeployment('{"id": "../../x"}')).toThrow("needs an id");
    expect(() => parseDeployment('{"id": "20261124T181500Z", "startedAt": "1"}')).toThrow(
      "needs the numbers",
    );
    const never = JSON.stringify({ ...deployment, appliedAt: 1e300 });
    expect(() => parseDeployment(never)).toThrow("needs the numbers");
    expect(() => parseDeployment("")).toThrow("no JSON");
  });

  test("is watched from its first apply until a day after its last", () => {
    const watched = (time: number, hours = 24) => watchedDeployment({ deployment, time }, hours);
    expect(watched(START - 1)).toBeUndefined();
    expect(watched(START)).toBe(deployment.id);
    expect(watched(START + 24 * HOUR + 299_000)).toBe(deployment.id);
    expect(watched(START + 24 * HOUR + 300_000)).toBeUndefined();
    expect(watched(START + 1, 0)).toBe(deployment.id);
    expect(watched(START + 300_000, 0)).toBeUndefined();
    expect(watchedDeployment({ deployment: undefined, time: START }, 24)).toBeUndefined();
  });

  test("stands in the alerts of its watch, after the specification's line", () => {
    const event = { kind: "ALERT" as const, message: "High CPU usage: 95%" };
    expect(renderLogLine(event, START, 0)).toBe("2026-11-24 18:15:00 ALERT: High CPU usage: 95%");
    expect(renderLogLine(event, START, 0, deployment.id)).toBe(
      "2026-11-24 18:15:00 ALERT: High CPU usage: 95% [deployment 20261124T181500Z]",
    );
  });
});

describe("the past", () => {
  test("comes to means and maxima, and to how often each alert was raised", () => {
    const { records, courses, alerts } = summarize([
      record(START, 0.2),
      record(START, 0.4, ["High memory usage: 92% (1GB/2GB)", "Service ollama memory usage at 95%"]),
      record(START, 0.6, ["High memory usage: 93% (1GB/2GB)"]),
      record(START, 0.2),
      record(START, 0.6, ["High memory usage: 99% (2GB/2GB)"]),
    ]);
    expect(records).toBe(5);
    expect(courses.get("memory")?.mean).toBeCloseTo(0.4);
    expect(courses.get("ollama memory")).toEqual({ mean: expect.closeTo(0.2) as number, max: 0.3 });
    expect([...courses.keys()]).not.toContain("swap");
    expect([...alerts]).toEqual([
      ["High memory usage", 2],
      ["Service ollama memory usage", 1],
    ]);
  });
});

describe("the report of a deployment", () => {
  const reports = () => readdirSync(join(folder, "deployments")).sort();
  const history = (records: HistoryRecord[]): History => {
    mkdirSync(join(folder, "history"));
    const lines = records.map((one) => JSON.stringify(one));
    writeFileSync(join(folder, "history", "history-00000001.jsonl"), `${lines.join("\n")}\n{"time": "20\n`);
    return new History(folder, settled({}).history);
  };

  test("compares a day before with the day after, once", () => {
    const past = history([
      record(START - 25 * HOUR, 0.99),
      record(START - HOUR, 0.4),
      record(START + 100_000, 0.99),
      record(START + HOUR, 0.6, ["High memory usage: 92%"]),
      record(START + 2 * HOUR, 0.8),
    ]);
    const all = new DeploymentReports(folder);
    all.report(at(START + 24 * HOUR), past);
    expect(readdirSync(folder)).not.toContain("deployments");
    all.report(at(START + 25 * HOUR), past);
    expect(reports()).toEqual(["20261124T181500Z.txt"]);
    const path = join(folder, "deployments", "20261124T181500Z.txt");
    expect(readFileSync(path, "utf8")).toBe(`Deployment 20261124T181500Z of slices, workload-ollama
applied 2026-11-24 19:15:00 to 2026-11-24 19:20:00, watched until 2026-11-25 19:20:00

                   before        after
                     mean  most   mean  most
memory                40%   40%    70%   80%
cpu                   10%   10%    10%   10%
disk                  50%   50%    50%   50%
ollama memory         20%   20%    35%   40%
ollama cpu            20%   20%    20%   20%
records                       1            2
alerts raised
High memory usage             0            1
`);
    writeFileSync(path, "read and annotated");
    new DeploymentReports(folder).report(at(START + 26 * HOUR), past);
    expect(readFileSync(path, "utf8")).toBe("read and annotated");
  });

  test("is not written without a watch, and the last twenty stay", () => {
    const past = history([]);
    new DeploymentReports(folder).report(at(START + 48 * HOUR, 0), past);
    expect(readdirSync(folder)).not.toContain("deployments");
    mkdirSync(join(folder, "deployments"));
    for (let day = 10; day < 35; day++)
      writeFileSync(join(folder, "deployments", `202610${day}T000000Z.txt`), "old");
    writeFileSync(join(folder, "deployments", "notes.txt"), "the owner's");
    new DeploymentReports(folder).report(at(START + 48 * HOUR), past);
    expect(reports()).toHaveLength(21);
    expect(reports()).toEqual(
      expect.arrayContaining(["20261034T000000Z.txt", "20261124T181500Z.txt", "notes.txt"]),
    );
  });
});
