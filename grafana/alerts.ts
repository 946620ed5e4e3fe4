import { DELIVERY, HISTORY } from "./alerts/delivery";
import { FIRING, NUMBERS } from "./alerts/now";
import { THRESHOLDS } from "./alerts/thresholds";
import type { Page } from "./shared/dashboard";
import { ofHosts } from "./shared/variables";

export const ALERTS: Page = {
  uid: "airm-alerts",
  title: "Alerts",
  description: "What fires, what is about to, and would anybody hear of it?",
  variables: ofHosts(),
  sections: [
    { title: "Now", panels: [...NUMBERS, ...FIRING] },
    { title: "Against each host's own thresholds", panels: THRESHOLDS },
    { title: "History", panels: HISTORY },
    { title: "Whether alerts arrive", panels: DELIVERY },
  ],
};
