import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CollectorLock, LockedError } from "../../monitor/output/lock";
import { FixtureHost } from "./fixture-host";

let host: FixtureHost;
beforeEach(() => {
  host = new FixtureHost();
});
afterEach(() => {
  host.dispose();
});

test("one holder at a time, who says who it is", async () => {
  const lock = await CollectorLock.acquire(host.roots.run, "serve, pid 1, since 2025-12-08 10:30:00");
  expect(lock.held).toBe(true);
  const second = CollectorLock.acquire(host.roots.run, "--collect");
  await expect(second).rejects.toThrow(LockedError);
  await expect(second).rejects.toThrow(
    `another collector holds ${host.roots.run}/collector.lock: serve, pid 1, since 2025-12-08 10:30:00`,
  );
  lock.release();
  const third = await CollectorLock.acquire(host.roots.run, "--collect");
  third.release();
  expect(readdirSync(host.roots.run)).toEqual([]);
});

test("what a dead holder left is replaced, socket or not", async () => {
  const path = join(host.roots.run, "collector.lock");
  (await CollectorLock.acquire(host.roots.run, "x")).release();
  writeFileSync(path, "");
  const lock = await CollectorLock.acquire(host.roots.run, "y");
  expect(lock.held).toBe(true);
  lock.release();
  expect(existsSync(path)).toBe(false);
});

test("of many at once one gets it", async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => CollectorLock.acquire(host.roots.run, `number ${index}`)),
  );
  const winners = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  expect(winners).toHaveLength(1);
  winners[0]?.release();
});

test("a lock that was taken away is known to be, and not taken from its new holder", async () => {
  const first = await CollectorLock.acquire(host.roots.run, "first");
  rmSync(host.roots.run, { recursive: true });
  const second = await CollectorLock.acquire(host.roots.run, "second");
  expect(first.held).toBe(false);
  first.release();
  expect(second.held).toBe(true);
  second.release();
});

test("a holder that does not answer holds it all the same", async () => {
  (await CollectorLock.acquire(host.roots.run, "x")).release();
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(join(host.roots.run, "collector.lock"), resolve));
  await expect(CollectorLock.acquire(host.roots.run, "y")).rejects.toThrow("it does not say which");
  mute.close();
}, 10_000);
