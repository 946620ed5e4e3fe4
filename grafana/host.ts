import { CPU, PRESSURE } from "./host/cpu";
import { DISKS, FILESYSTEMS } from "./host/disks";
import { MEMORY } from "./host/memory";
import { MONITOR } from "./host/monitor";
import { NETWORK } from "./host/network";
import { SUMMARY } from "./host/summary";
import type { Page } from "./shared/dashboard";
import { ofOneHost } from "./shared/variables";

export const HOST: Page = {
  uid: "airm-host",
  title: "Host",
  description: "Is this host well, and if not, what is short: memory, swap, CPU, disks or the network?",
  variables: ofOneHost(),
  isMarked: true,
  sections: [
    { title: "Now", panels: SUMMARY },
    { title: "Memory and swap", panels: MEMORY },
    { title: "CPU", panels: CPU },
    { title: "Pressure", panels: PRESSURE },
    { title: "Filesystems", panels: FILESYSTEMS },
    { title: "Disks", panels: DISKS },
    { title: "Network", panels: NETWORK },
    { title: "The monitor itself", panels: MONITOR },
  ],
};
