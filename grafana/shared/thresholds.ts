import {
  type DynamicConfigValue,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { RatioAlert } from "../../components/prometheus/thresholds";
import { line, ONE_HOST } from "./query";

/** A line of its own, among parts that are stacked. */
export const BESIDE_THE_STACK: readonly DynamicConfigValue[] = [
  { id: "custom.fillOpacity", value: 0 },
  { id: "custom.stacking", value: { mode: "none", group: "A" } },
];

const dashed = (color: string): readonly DynamicConfigValue[] => [
  { id: "color", value: { mode: "fixed", fixedColor: color } },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [8, 6] } },
  ...BESIDE_THE_STACK,
];

/** What is compared with is told from what is measured by its name. */
export const DASHED_LINES = [
  { regexp: "/alert above$/", properties: dashed("red") },
  { regexp: "/(limit|total)$/", properties: dashed("orange") },
] as const;

/** The host's own threshold of an alert as a line: it is a setting, and no two hosts need have the same. */
export const alertAbove = (alert: RatioAlert) =>
  line(`max(airm_alert_threshold_ratio{alert="${alert}", ${ONE_HOST}})`, "alert above");

/** The same where each service has its own. */
export const alertAboveByService = (alert: RatioAlert) =>
  line(
    `max by (service) (airm_alert_threshold_ratio{alert="${alert}", ${ONE_HOST}})`,
    "{{service}} alert above",
  );

const steps = (...above: Threshold[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: "green" }, ...above]);

/** Of `airm:alert_threshold_used:ratio`: 1 is at the threshold, whatever that is. */
export const NEAR_ITS_THRESHOLD = steps({ value: 0.9, color: "yellow" }, { value: 1, color: "red" });
/** Of what there should be none of. */
export const NONE_IS_GOOD = steps({ value: 1, color: "red" });
/** Of what is worth a look, but no alarm. */
export const NONE_IS_USUAL = steps({ value: 1, color: "yellow" });
