// Deletes records older than `metrics.retention_days` in small steps: an hour between two sweeps, a short pause between two steps.
// It must never delay the requests of this process noticeably.

import type { Checkpoints } from "./checkpoints.ts";
import type { MetricsConnection } from "./connection.ts";
import { cutoffMs, deleteExpired, hasExpired } from "./retention.ts";

const sweepEveryMs = 3_600_000;
const pauseMs = 20;
/** How long a piece may take: what is not in the disk's cache takes far longer than the rest. */
const pieceMs = 5;
const mostRows = 500;
const fewestRows = 10;

export type SweepParts = {
  readonly connection: MetricsConnection;
  readonly checkpoints: Checkpoints;
  /** Ends a transaction that is open. */
  readonly finishBatch: () => void;
  readonly nowMs: () => number;
};

export class RetentionSweep {
  private timer: Timer | null = null;
  private sweptUpTo = 0;
  private isStopped = false;
  private pieceSize = 50;

  /** `retentionDays` 0: nothing is ever deleted. */
  constructor(
    private readonly parts: SweepParts,
    private readonly retentionDays: number,
  ) {}

  start(): void {
    this.isStopped = false;
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
    const { connection, checkpoints, nowMs } = this.parts;
    if (checkpoints.isUnderWay) {
      this.schedule(pauseMs);
      return;
    }
    this.parts.finishBatch();
    const open = connection.current();
    const cutoff = cutoffMs(nowMs(), this.retentionDays);
    let next: number | null = null;
    const startedMs = performance.now();
    try {
      if (open !== null && (this.sweptUpTo > 0 || hasExpired(open.db, cutoff)))
        next = deleteExpired(open.db, cutoff, this.sweptUpTo, this.pieceSize);
    } catch (error) {
      connection.reportError(error);
    }
    if (next !== null) checkpoints.noteWrite();
    this.sweptUpTo = next ?? 0;
    const tookMs = performance.now() - startedMs;
    if (tookMs > pieceMs) this.pieceSize = Math.max(fewestRows, Math.floor(this.pieceSize / 2));
    else if (tookMs < pieceMs / 2) this.pieceSize = Math.min(mostRows, this.pieceSize * 2);
    this.schedule(next === null ? sweepEveryMs : pauseMs);
  }
}
