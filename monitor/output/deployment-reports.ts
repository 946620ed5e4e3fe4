import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { listFolder } from "../host/files";
import { renderDeployment } from "../render/deployment";
import { summarize, watchEnd } from "../report/deployment";
import type { Report } from "../report/report";
import { ensureFolder, writeAtomically } from "./atomic";
import type { History } from "./history";

/** So many reports are kept. */
const MOST = 20;

/** `deployments/ID.txt` beside alerts.log: written once, when the watch over a deployment has ended. */
export class DeploymentReports {
  private readonly folder: string;
  /** The last one that is known to be there. */
  private written: string | undefined;

  constructor(log: string) {
    this.folder = join(log, "deployments");
  }

  report({ snapshot, config, utcOffsetMinutes }: Report, history: Pick<History, "between">): void {
    const { deployment, time } = snapshot;
    if (deployment === undefined || config.watchHours === 0 || this.written === deployment.id) return;
    const end = watchEnd(deployment, config.watchHours);
    if (time < end) return;
    const path = join(this.folder, `${deployment.id}.txt`);
    if (!existsSync(path)) {
      const start = deployment.startedAt * 1000;
      const hours = config.watchHours * 3_600_000;
      const before = summarize(history.between(start - hours, start));
      const after = summarize(history.between(deployment.appliedAt * 1000, end));
      ensureFolder(this.folder);
      writeAtomically(path, renderDeployment(deployment, end, before, after, utcOffsetMinutes));
      this.drop();
    }
    this.written = deployment.id;
  }

  /** Names are times, so that their order is that of the deployments. */
  private drop(): void {
    const reports = (listFolder(this.folder) ?? []).filter((name) => /^[0-9TZ]+\.txt$/.test(name)).sort();
    for (const name of reports.slice(0, -MOST)) rmSync(join(this.folder, name), { force: true });
  }
}
