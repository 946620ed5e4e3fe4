import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { NvidiaSmi } from "../../monitor/collectors/nvidia-smi";
import { FakeClock } from "./fixture-host";

const running: NvidiaSmi[] = [];
afterEach(() => {
  for (const program of running.splice(0)) program.stop();
});

function started(
  situation: string,
  intervalSeconds?: number,
  clock = new FakeClock(),
  restartMilliseconds?: number,
): NvidiaSmi {
  const command =
    situation === ""
      ? "/nonexistent/nvidia-smi"
      : join(import.meta.dirname, "fixtures", situation, "nvidia-smi");
  const program = new NvidiaSmi(command, intervalSeconds, clock, restartMilliseconds);
  running.push(program);
  program.start();
  return program;
}

test("without the program there is no GPU, which is no error", async () => {
  expect(await started("").read()).toBeUndefined();
});

test("a GPU and its processes; one without a number is left out", async () => {
  const reading = await started("gpu").read();
  expect(
    reading?.gpus.map(({ utilizationRatio, memoryUsedBytes }) => [utilizationRatio, memoryUsedBytes]),
  ).toEqual([[0.45, 14745.6 * 2 ** 20]]);
  expect(reading?.processes.map(({ pid }) => pid)).toEqual([500, 501, 900]);
  expect(reading?.malformedLines).toBe(0);
});

test("malformed lines are counted and skipped", async () => {
  const reading = await started("gpu-not-available").read();
  expect(reading?.malformedLines).toBe(1);
  expect(reading?.gpus[0]).toMatchObject({
    name: "GeForce GT 710",
    utilizationRatio: undefined,
    powerWatts: undefined,
  });
});

test("several GPUs are in order, and a split one says so", async () => {
  const reading = await started("gpu-mig").read();
  expect(reading?.gpus.map(({ index, mig }) => [index, mig])).toEqual([
    ["0", false],
    ["1", true],
  ]);
  expect(reading?.processes.map(({ gpuUuid }) => gpuUuid)).toEqual(["GPU-cccc", "MIG-eeee"]);
});

test("a driver that does not answer is a failure with its own words", async () => {
  await expect(started("gpu-broken-driver").read()).rejects.toThrow(
    /gives no answer: it ended with 9: .*NVIDIA-SMI has failed/,
  );
});

test("the loop: its lines hold for two and a half intervals, then the GPU is gone", async () => {
  const clock = new FakeClock();
  const program = started("gpu", 10, clock);
  expect((await program.read())?.gpus).toHaveLength(1);
  clock.pass(24);
  expect((await program.read())?.gpus).toHaveLength(1);
  clock.pass(2);
  expect(await program.read()).toMatchObject({
    gpus: [],
    known: [{ index: "0", name: "NVIDIA L4" }],
    problems: [{ index: "0", text: "GPU 0 (NVIDIA L4) has vanished (nothing printed)" }],
  });
});

test("a card that answered before a restart is expected", async () => {
  const program = started("gpu", 10);
  const [gpu] = (await program.read())?.gpus ?? [];
  if (gpu === undefined) throw new Error("no GPU");
  program.expect([gpu, { ...gpu, index: "1" }]);
  expect((await program.read())?.problems).toEqual([{ index: "1", text: "GPU 1 (NVIDIA L4) has vanished" }]);
  expect(program.known.map(({ index }) => index)).toEqual(["0", "1"]);
});

test("a driver from before MIG is asked for all but that", async () => {
  const reading = await started("gpu-old-driver").read();
  expect(reading?.gpus).toMatchObject([{ name: "Tesla K80", memoryUsedBytes: 5000 * 2 ** 20, mig: false }]);
  expect(reading?.processes).toHaveLength(1);
  expect((await started("gpu-old-driver", 10).read())?.gpus).toHaveLength(1);
});

test("a card that the driver has lost keeps its place, and is told", async () => {
  const reading = await started("gpu-lost").read();
  expect(reading?.gpus.map(({ index, memoryTotalBytes }) => [index, memoryTotalBytes])).toEqual([
    ["0", 24 * 2 ** 30],
    ["1", undefined],
  ]);
  expect(reading?.problems).toEqual([{ index: "1", text: "GPU 1 (NVIDIA L4): [GPU is lost]" }]);
});

test("a card that answers no more has vanished", async () => {
  const clock = new FakeClock();
  const program = started("gpu-vanishing", 10, clock);
  expect((await program.read())?.problems).toEqual([]);
  clock.pass(26);
  await expect
    .poll(async () => (await program.read().catch(() => undefined))?.problems, { timeout: 5000 })
    .toEqual([{ index: "1", text: "GPU 1 (NVIDIA L4) has vanished" }]);
  expect((await program.read())?.gpus.map(({ index }) => index)).toEqual(["0"]);
});

test("a loop that hangs is ended after three intervals, and another one answers", async () => {
  const clock = new FakeClock();
  const program = started("gpu", 20, clock, 10);
  await program.read();
  clock.pass(60);
  expect((await program.read())?.gpus).toEqual([]);
  clock.pass(1);
  expect((await program.read())?.gpus).toEqual([]);
  await expect.poll(async () => (await program.read().catch(() => undefined))?.gpus.length).toBe(1);
});
