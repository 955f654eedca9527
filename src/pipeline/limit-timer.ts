// One timer per request: it fires when a limit is reached and re-arms itself otherwise, so that moving a limit (every
// chunk does) costs an assignment and no timer.

import type { TimerListener, Ticker, TickerTimer } from "../system/ticker.ts";

const never = Number.POSITIVE_INFINITY;

/** Called when the limit is reached; it may move the limit again. */
export type LimitListener = { limitReached(): void };

export class LimitTimer implements TimerListener {
  private limitMs = never;
  private armedForMs = never;
  private timer: TickerTimer | null = null;

  constructor(
    private readonly ticker: Pick<Ticker, "monotonicMs" | "after">,
    private readonly owner: LimitListener,
  ) {}

  /** The limit is now `atMs` (monotonic). */
  set(atMs: number): void {
    this.limitMs = atMs;
    // A timer that fires too early is only set again; one that fires too late would miss the limit.
    if (atMs < this.armedForMs) this.arm();
  }

  stop(): void {
    this.limitMs = never;
    this.arm();
  }

  private arm(): void {
    this.timer?.stop();
    this.timer = null;
    this.armedForMs = this.limitMs;
    if (this.limitMs === never) return;
    this.timer = this.ticker.after(Math.max(0, this.limitMs - this.ticker.monotonicMs()), this);
  }

  /** The ticker's timer. */
  onDue(): void {
    this.timer = null;
    this.armedForMs = never;
    if (this.ticker.monotonicMs() < this.limitMs) {
      this.arm();
      return;
    }
    this.limitMs = never;
    this.owner.limitReached();
  }
}
