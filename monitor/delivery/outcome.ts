import { errorText } from "../host/files";
import type { Receipt } from "../host/http";

/**
 * Of one attempt: it arrived, it went out to where nobody says whether it arrived, it is worth another try, or it never will
 * arrive.
 */
export type Outcome = "delivered" | "sent" | "failed" | "refused";

export interface Attempt {
  readonly outcome: Outcome;
  /** What is told of it where it did not arrive. */
  readonly why?: string;
  /** How long the receiver asks to be left alone. */
  readonly retryAfterSeconds?: number;
}

/** What passes: by itself (408, 425, 429), or by an address that is put right, which may happen at any time. */
const PASSING = [401, 403, 404, 407, 408, 410, 425, 429];

/** Other refusals are of this message, and stay so; what is the receiver's own fault passes. */
export function outcomeOf({ status }: Receipt): Outcome {
  if (status >= 200 && status < 300) return "delivered";
  return status >= 400 && status < 500 && !PASSING.includes(status) ? "refused" : "failed";
}

export function attemptOf(receipt: Receipt): Attempt {
  const { status, retryAfterSeconds } = receipt;
  const outcome = outcomeOf(receipt);
  if (outcome === "delivered") return { outcome };
  return {
    outcome,
    why: `it answers with ${status}`,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** An attempt that ends in an error is one that failed. */
export async function attempted(attempt: () => Promise<Attempt>): Promise<Attempt> {
  try {
    return await attempt();
  } catch (error) {
    return { outcome: "failed", why: errorText(error) };
  }
}
