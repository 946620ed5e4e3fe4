import type { Finding } from "../../components/observation/status";

/** What a host says of a swapfile that is off. */
export const SWAP_OFF: Finding = {
  unit: "/swapfile",
  property: "swap",
  declared: "16 GiB, priority 10",
  file: "",
  kernel: "off",
  reason: "is off",
};
