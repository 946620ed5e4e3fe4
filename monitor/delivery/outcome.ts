import type { Receipt } from "../host/http";

/** Of one attempt: it arrived, it is worth another try, or it never will arrive. */
export type Outcome = "delivered" | "failed" | "refused";
export const OUTCOMES: readonly Outcome[] = ["delivered", "failed", "refused"];

/** 408, 425 and 429 pass, and what is the receiver's own fault does; other refusals stay so. */
export function outcomeOf({ status }: Receipt): Outcome {
  if (status >= 200 && status < 300) return "delivered";
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status) ? "refused" : "failed";
}
