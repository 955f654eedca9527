// Deletes records older than `metrics.retention_days` in small steps: an hour between two sweeps, a short pause between two steps.
// It must never delay the requests of this process noticeably.

import type { Clock } from "../system/clock.ts";
import type { MetricsConnection } from "./connection.ts";
import { cutoffMs, deleteExpired, hasExpired } from "./retention.ts";

const sweepEveryMs = 3_600_000;
const pauseMs = 20;
const pieceSize = 250;

export class RetentionSweep {
  private timer: Timer | null = null;
  private sweptUpTo = 0;
  private isStopped = false;

  /** `retentionDays` 0: nothing is ever deleted. */
  constructor(
    private readonly connection: MetricsConnection,
    private readonly clock: Pick<Clock, "nowMs">,
    private readonly retentionDays: number,
  ) {}

  start(): void {
    this.schedule(pauseMs);
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(delayMs: number): void {
    if (this.isStopped || this.retentionDays <= 0) return;
    this.timer = setTimeout(() => this.deletePiece(), delayMs);
    this.timer.unref();
  }

  private deletePiece(): void {
    const open = this.connection.current();
    const cutoff = cutoffMs(this.clock.nowMs(), this.retentionDays);
    let next: number | null = null;
    try {
      if (open !== null && (this.sweptUpTo > 0 || hasExpired(open.db, cutoff)))
        next = deleteExpired(open.db, cutoff, this.sweptUpTo, pieceSize);
    } catch (error) {
      this.connection.reportError(error);
    }
    this.sweptUpTo = next ?? 0;
    this.schedule(next === null ? sweepEveryMs : pauseMs);
  }
}
