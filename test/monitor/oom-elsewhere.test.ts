import { expect, test } from "vitest";
import { OomElsewhere } from "../../monitor/alerts/oom-elsewhere";
import type { ServiceSample } from "../../monitor/report/snapshot";

const service = (name: string, oomKills: number | undefined, up = true) =>
  ({ name, up, oomKills }) as ServiceSample;

test("what the host counts beyond what the services count, however their readings fall", () => {
  const elsewhere = new OomElsewhere();
  const count = (host: number | undefined, a: number | undefined, b = 0) =>
    elsewhere.count({ oomKills: host, services: [service("a", a), service("b", b)] });
  expect(count(5, 2)).toBe(0);
  expect(count(7, 3)).toBe(1);
  // A kill that the service has counted already, and the host's file not yet.
  expect(count(7, 4)).toBe(1);
  expect(count(8, 4)).toBe(1);
  expect(count(9, 4)).toBe(2);
  // Not known: nothing is said, and the next makes up for it.
  expect(count(12, undefined)).toBeUndefined();
  expect(count(undefined, 4)).toBeUndefined();
  expect(count(12, 6)).toBe(3);
  expect(count(12, 6, 1)).toBe(3);
  expect(count(13, 6, 1)).toBe(3);
});

test("a service that is new brings no kills along, and one that is down need not tell any", () => {
  const elsewhere = new OomElsewhere();
  expect(elsewhere.count({ oomKills: 5, services: [] })).toBe(0);
  expect(elsewhere.count({ oomKills: 5, services: [service("a", 3)] })).toBe(0);
  expect(elsewhere.count({ oomKills: 6, services: [service("a", undefined, false)] })).toBe(1);
});
