import type { Page } from "./shared/dashboard";
import { ofOneHost, service } from "./shared/variables";
import { CPU, WAITING } from "./workloads/cpu";
import { MODELS, TOKENS } from "./workloads/engines";
import { HEALTH } from "./workloads/health";
import { ANATOMY, MEMORY } from "./workloads/memory";
import { NOW } from "./workloads/now";

export const WORKLOADS: Page = {
  uid: "airm-workloads",
  title: "Workloads",
  description: "What do the AI services do within their limits, and what holds them back?",
  variables: [...ofOneHost(), service()],
  isMarked: true,
  sections: [
    { title: "Now", panels: NOW },
    { title: "Models", panels: MODELS },
    { title: "Tokens and requests", panels: TOKENS },
    { title: "Memory", panels: MEMORY },
    { title: "Anonymous memory against page cache", panels: ANATOMY },
    { title: "CPU", panels: CPU },
    { title: "What it waits for", panels: WAITING },
    { title: "Health", panels: HEALTH },
  ],
};
