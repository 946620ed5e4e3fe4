import { setTimeout as sleep } from "node:timers/promises";
import { Overflow, readSettings } from "./overflow.ts";

const settings = readSettings(process.env);
const overflow = new Overflow(settings, (line) => console.log(line));
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
for (;;) {
  await overflow.look(performance.now()).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
  });
  await sleep(settings.everySeconds * 1000);
}
