import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MonitorConfig } from "../../monitor/config/schema";
import { Webhook } from "../../test/support/webhook";

/** Somebody of each kind to tell, on loopback, who takes all that comes. */
export async function everySink(
  folder: string,
): Promise<{ readonly sinks: NonNullable<MonitorConfig["sinks"]>; readonly stop: () => void }> {
  const receiver = await Webhook.start();
  const agent = createSocket("udp4");
  await new Promise<void>((resolve) => agent.bind(0, "127.0.0.1", resolve));
  const fileOf = (name: string, url: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `${url}\n`);
    return file;
  };
  const url = `http://127.0.0.1:${receiver.port}`;
  return {
    sinks: {
      alertmanager: { urlFile: fileOf("alertmanager", url) },
      webhook: { urlFile: fileOf("webhook", `${url}/alerts`) },
      heartbeat: { urlFile: fileOf("heartbeat", `${url}/alive`), everySeconds: 10 },
      sentry: { dsnFile: fileOf("sentry", `http://key@127.0.0.1:${receiver.port}/1`), checkInSeconds: 60 },
      datadog: { address: "127.0.0.1", port: agent.address().port, upSeconds: 10 },
    },
    stop: () => {
      receiver.stop();
      agent.close();
    },
  };
}
