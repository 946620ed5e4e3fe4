import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import { DATASOURCE, ONE_HOST } from "./query";
import type { PanelBuilder } from "./panels";

/** All dashboards have it, and each links to the others by it. */
export const TAG = "goblin-host";

/** Panels under a heading. */
export interface Section {
  readonly title: string;
  readonly panels: readonly PanelBuilder[];
}

export interface Page {
  /** For ever: links and bookmarks have it. */
  readonly uid: string;
  readonly title: string;
  /** The question that it answers. */
  readonly description: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly sections: readonly Section[];
  /** Whether alerts and deployments of the one host are marked in its plots. */
  readonly isMarked?: boolean;
}

/** In the classic model, which every Grafana reads: the new one (v2) is for Grafana 13 and later alone. */
export function dashboardOf(page: Page): Dashboard {
  const builder = new DashboardBuilder(`AI host / ${page.title}`)
    .uid(page.uid)
    .description(page.description)
    .tags([TAG])
    .timezone("browser")
    .refresh("30s")
    .time({ from: "now-3h", to: "now" })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...page.variables])
    .annotations(page.isMarked === true ? [inSight(firing()), inSight(deployments())] : [])
    .link(
      inSight(
        new DashboardLinkBuilder("AI host")
          .type(DashboardLinkType.Dashboards)
          .tags([TAG])
          .includeVars(true)
          .keepTime(true),
      ),
    );
  for (const { title, panels } of page.sections) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  return {
    ...dashboard,
    panels: (dashboard.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 })),
  };
}

/** The SDK would put it into a menu that is closed, which is the only other place that Grafana has. */
function inSight<T extends { placement?: unknown }>(builder: Builder<T>): Builder<T> {
  return {
    build: () => {
      const built = builder.build();
      delete built.placement;
      return built;
    },
  };
}

const firing = () =>
  new AnnotationQueryBuilder()
    .name("Alerts")
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor("red")
    .expr(`ALERTS{alertstate="firing", ${ONE_HOST}}`)
    .titleFormat("{{alertname}} {{service}}{{mountpoint}}")
    .tagKeys("severity");

const deployments = () =>
  new AnnotationQueryBuilder()
    .name("Deployments")
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor("blue")
    .expr(`airm_deployment_watched{${ONE_HOST}}`)
    .titleFormat("Watched after deployment {{deployment}}");
