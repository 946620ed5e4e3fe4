import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Schedule } from "../../monitor/cli/schedule";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function scheduled(durations: number[]) {
  const started = Date.now();
  const clock = { now: Date.now, monotonic: () => (Date.now() - started) / 1000 };
  const starts: number[] = [];
  let missed = 0;
  let overlapping = 0;
  const schedule = new Schedule(
    10,
    clock,
    async () => {
      starts.push(clock.monotonic());
      expect((overlapping += 1)).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, (durations.shift() ?? 0) * 1000));
      overlapping -= 1;
    },
    (intervals) => {
      missed += intervals;
    },
  );
  return { schedule, starts, missed: () => missed };
}

test("a slow task does not shift the ones after it, and missed intervals are told", async () => {
  const { schedule, starts, missed } = scheduled([3, 25, 0]);
  schedule.start();
  await vi.advanceTimersByTimeAsync(60_000);
  schedule.stop();
  expect(starts).toEqual([0, 10, 40, 50, 60]);
  expect(missed()).toBe(2);
});

test("asked in between it runs at once, and asked during a run once more after it, for all who ask", async () => {
  const { schedule, starts, missed } = scheduled([0, 2, 0]);
  schedule.start();
  await vi.advanceTimersByTimeAsync(4000);
  const first = schedule.now();
  await vi.advanceTimersByTimeAsync(1000);
  const others = [schedule.now(), schedule.now()];
  await vi.advanceTimersByTimeAsync(6000);
  await Promise.all([first, ...others]);
  schedule.stop();
  expect(starts).toEqual([0, 4, 6, 10]);
  expect(missed()).toBe(0);
});

test("stopped it runs no more", async () => {
  const { schedule, starts } = scheduled([]);
  schedule.start();
  await vi.advanceTimersByTimeAsync(5000);
  schedule.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(starts).toEqual([0]);
});
