/** How a question went. */
export type Answer =
  | { readonly text: string; readonly receivedAt: number; readonly serverTime: number | undefined }
  | { readonly problem: string };

/** Of a question; the monitor has a tenth of a core. */
const TIMEOUT_MILLISECONDS = 10_000;
const FAILED_SECONDS = 10;

/** Asks the monitor. What it says of itself is the problem's text, and its silence another. */
export async function ask(path: string, timeoutMilliseconds = TIMEOUT_MILLISECONDS): Promise<Answer> {
  try {
    const response = await fetch(path, {
      cache: "no-store",
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    const text = await response.text();
    if (!response.ok) return { problem: text.trim().slice(0, 500) || `status ${response.status}` };
    const date = Date.parse(response.headers.get("date") ?? "");
    return {
      text,
      receivedAt: performance.now(),
      serverTime: Number.isNaN(date) ? undefined : date,
    };
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    return {
      problem: isLate
        ? `the monitor has not answered within ${timeoutMilliseconds / 1000} s`
        : "the monitor cannot be reached: it does not run, or the tunnel to it has ended",
    };
  }
}

/** Repeats a task while somebody looks; whoever comes back sees it done at once. */
export class Repeater {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private again = false;

  /** @param task returns the seconds until it is done again */
  constructor(private readonly task: () => Promise<number>) {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.timer);
      else void this.now();
    });
  }

  async now(): Promise<void> {
    clearTimeout(this.timer);
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    const seconds = await this.task().catch((error: unknown) => {
      // Nobody expected it: the console has it, and the next time may go well.
      reportError(error);
      return FAILED_SECONDS;
    });
    this.running = false;
    if (this.again) {
      this.again = false;
      await this.now();
    } else if (!document.hidden) {
      this.timer = setTimeout(() => void this.now(), seconds * 1000);
    }
  }
}
