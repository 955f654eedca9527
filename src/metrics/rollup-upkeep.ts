// Keeps the rollups up to date: the reading thread adds up what is new, this thread only writes the result, a few pages at a time.

import type { MetricsConnection } from "./connection.ts";
import type { QueryWorker } from "./query-worker.ts";
import { writeRollupPiece } from "./rollup.ts";

const everyMs = 5_000;
/** Between two pieces while many are behind. */
const pauseMs = 15;

export type RollupUpkeepOptions = {
  readonly connection: MetricsConnection;
  readonly worker: QueryWorker;
  /** Where the records are; null while they are in no file. */
  readonly path: () => string | null;
  /** How many records were written: without new ones there is nothing to do. */
  readonly written: () => number;
};

export class RollupUpkeep {
  private timer: Timer | null = null;
  private seen = -1;
  private isStopped = false;

  constructor(private readonly options: RollupUpkeepOptions) {}

  start(): void {
    this.schedule(everyMs);
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private schedule(delayMs: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.takeIn(), delayMs);
    this.timer.unref();
  }

  private async takeIn(): Promise<void> {
    const path = this.options.path();
    const written = this.options.written();
    if (path === null || written === this.seen) {
      this.schedule(everyMs);
      return;
    }
    const asked = await this.options.worker.ask(path, { kind: "rollup" });
    const piece = asked.outcome === "answered" ? asked.answer : null;
    if (asked.outcome === "answered" && (piece === null || this.write(piece))) {
      if (piece === null || !piece.isFull) this.seen = written;
    }
    this.schedule(piece?.isFull === true ? pauseMs : everyMs);
  }

  private write(piece: Parameters<typeof writeRollupPiece>[1]): boolean {
    const open = this.options.connection.current();
    if (this.isStopped || open === null) return false;
    try {
      return writeRollupPiece(open.db, piece);
    } catch (error) {
      this.options.connection.reportError(error);
      return false;
    }
  }
}
