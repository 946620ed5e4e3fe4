/** Writes grafana/dashboards/. `npm run docs` runs it; a test fails when a file there is stale, missing or nobody's. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboards, renderDashboard } from "../grafana";

const folder = join(import.meta.dirname, "..", "grafana", "dashboards");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
for (const dashboard of dashboards())
  writeFileSync(join(folder, `${dashboard.uid ?? ""}.json`), renderDashboard(dashboard));
