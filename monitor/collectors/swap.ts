import { listFolder, readText } from "../host/files";
import type { Roots } from "../host/roots";
import { parseSwaps, parseZram, type SwapDevice, type ZramDevice } from "../parse/swap";

/** The swap devices that are on: none is an empty list, a kernel without swap is undefined. */
export function collectSwap({ procfs }: Roots): SwapDevice[] | undefined {
  const text = readText(`${procfs}/swaps`);
  return text === undefined ? undefined : parseSwaps(text);
}

/** The zram devices that are set up; undefined on a host without any. */
export function collectZram({ sysfs }: Roots): ZramDevice[] | undefined {
  const names = (listFolder(`${sysfs}/block`) ?? []).filter((name) => /^zram[0-9]+$/.test(name));
  const devices = names.flatMap((name) => {
    const read = (file: string) => readText(`${sysfs}/block/${name}/${file}`);
    const size = read("disksize");
    const stat = read("mm_stat");
    if (size === undefined || stat === undefined || size.trim() === "0") return [];
    return [parseZram(name, stat, size, read("comp_algorithm"))];
  });
  return devices.length === 0 ? undefined : devices;
}
