import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { ALERTS } from "./alerts";
import { FLEET } from "./fleet";
import { GPU } from "./gpu";
import { HOST } from "./host";
import { dashboardOf } from "./shared/dashboard";
import { VERDICTS } from "./verdicts";
import { WORKLOADS } from "./workloads";

/** All dashboards, in the order in which somebody looks at them. Each is `dashboards/UID.json`. */
export const dashboards = (): Dashboard[] => [FLEET, HOST, WORKLOADS, GPU, ALERTS, VERDICTS].map(dashboardOf);

/** A file for Grafana to import or to provision. */
export const renderDashboard = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`;
