/** Writes prometheus/ai-resource-monitor.rules.yml. `npm run docs` runs it; a test fails when the file is stale. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderPrometheusRules } from "../components/prometheus/rules";

writeFileSync(
  join(import.meta.dirname, "..", "prometheus", "ai-resource-monitor.rules.yml"),
  renderPrometheusRules(),
);
