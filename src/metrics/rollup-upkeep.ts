// Keeps the rollups up to date: the reading thread adds up what is new, this thread only writes the result, a few pages at a time.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { MetricsConnection } from "./connection.ts";
import { putRollups, type RollupPiece, type StoredRollup, writeRollupPiece } from "./rollup.ts";

const everyMs = 5_000;
/** Between two pieces while many are behind. */
const pauseMs = 15;
const catchUpMs = 100;
const daysEveryMs = 600_000;

export type RollupUpkeepOptions = {
  readonly connection: MetricsConnection;
  readonly checkpoints: Checkpoints;
  /** Ends a transaction that is open. */
  readonly finishBatch: () => void;
  /** The next piece; null: there is none, or nothing can be read. */
  readonly read: () => Promise<RollupPiece | null>;
  readonly readDay: () => Promise<StoredRollup | null>;
  /** How many records were written: without new ones there is nothing to do. */
  readonly written: () => number;
};

export class RollupUpkeep {
  private timer: Timer | null = null;
  private seen = -1;
  private nextDaysMs = 0;
  private isStopped = false;

  constructor(private readonly options: RollupUpkeepOptions) {}

  start(): void {
    this.isStopped = false;
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

  /** Takes in what is new, within a short time: before a report that reads the rollups alone. */
  async catchUp(): Promise<void> {
    const endMs = performance.now() + catchUpMs;
    while ((await this.takeInPiece()) && performance.now() < endMs);
  }

  private async takeIn(): Promise<void> {
    const isMore = (await this.takeInPiece()) || (await this.takeInDay());
    this.schedule(isMore ? pauseMs : everyMs);
  }

  /** True: there may be more. */
  private async takeInPiece(): Promise<boolean> {
    const written = this.options.written();
    if (written === this.seen || this.isStopped) return false;
    const piece = await this.options.read();
    await this.isFree();
    if (piece !== null && !this.write((db) => writeRollupPiece(db, piece))) return false;
    if (piece?.isFull !== true) this.seen = written;
    return piece?.isFull === true;
  }

  /** Days that are over, while no new records wait. True: there may be more. */
  private async takeInDay(): Promise<boolean> {
    if (performance.now() < this.nextDaysMs || this.isStopped) return false;
    const piece = await this.options.readDay();
    await this.isFree();
    const isWritten =
      piece !== null &&
      this.write((db) => {
        putRollups(db, [piece]);
        return true;
      });
    if (!isWritten) this.nextDaysMs = performance.now() + daysEveryMs;
    return isWritten;
  }

  private async isFree(): Promise<void> {
    await this.options.checkpoints.settled();
    this.options.finishBatch();
  }

  private write(work: (db: SqliteDatabase) => boolean): boolean {
    const open = this.options.connection.current();
    if (this.isStopped || open === null) return false;
    try {
      const isWritten = work(open.db);
      this.options.checkpoints.noteWrite();
      return isWritten;
    } catch (error) {
      this.options.connection.reportError(error);
      return false;
    }
  }
}
