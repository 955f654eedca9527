// A bounded queue of request records in front of the database, written in batches off the request path. `push` never throws and
// never waits, whatever the disk does; records that cannot be kept are counted.

import type { RequestRecord } from "../canon/record.ts";
import { databaseErrorKind, describeDatabaseError } from "../sqlite/database-error.ts";
import type { OpenDatabase } from "../sqlite/resilient-database.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { MetricsConnection, MetricsLog } from "./connection.ts";
import { deleteOldest, isAtLimit } from "./retention.ts";
import type { StoreStatus } from "./store-status.ts";
import type { BatchWriting, Writer } from "./writer.ts";

const batchSize = 250;
/** A batch takes a millisecond or two: between its slices the requests of this process get their turn. */
const sliceMs = 0.2;
const tickMs = 150;
// A long queue is written with shorter pauses instead, so that a burst of thousands a second is not lost.
const backlogTickMs = 4;
/** How long a query waits for the lock of a checkpoint. */
const checkpointWaitMs = 400;
const slowestRetryMs = 5_000;
/** Rows deleted at a time when the file has reached its size limit. */
const freedRows = 300;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

export type QueueOptions = {
  readonly connection: MetricsConnection;
  readonly checkpoints: Checkpoints;
  readonly log: MetricsLog;
  readonly limit: number;
};

/** The batch whose transaction is open. */
type Begun = {
  readonly open: OpenDatabase<Writer>;
  readonly writing: BatchWriting;
  readonly size: number;
};

export class RecordQueue {
  private readonly records: RequestRecord[] = [];
  private pushed = 0;
  private dequeued = 0;
  private written = 0;
  private dropped = 0;
  private failures = 0;
  private isClosed = false;
  private tick: Timer | null = null;
  private nextSlice: NodeJS.Immediate | null = null;
  private begun: Begun | null = null;

  constructor(private readonly options: QueueOptions) {}

  push(record: RequestRecord): void {
    if (this.isClosed || this.records.length >= this.options.limit) {
      this.drop(1, this.isClosed ? "the store is closed" : "the queue is full");
      return;
    }
    this.pushed += 1;
    this.records.push(record);
    // A full batch is written immediately: objects that survive a garbage collection are expensive to free.
    if (this.records.length === batchSize && this.failures === 0 && this.tick !== null) {
      clearTimeout(this.tick);
      this.tick = null;
    }
    this.scheduleWrite();
  }

  /** True when nothing is pending; false while the database accepts nothing. */
  async flush(): Promise<boolean> {
    const goal = this.pushed;
    while (this.dequeued < goal) {
      // A second attempt immediately: the first may have found a broken or full file and repaired it.
      if (!this.writeBatch() && !(await this.writeAfterCheckpoint())) return false;
      this.failures = 0;
      await nextTurn();
    }
    return true;
  }

  private async writeAfterCheckpoint(): Promise<boolean> {
    const { checkpoints } = this.options;
    if (checkpoints.isUnderWay) await Promise.race([checkpoints.settled(), pause(checkpointWaitMs)]);
    return this.writeBatch();
  }

  counts(): Pick<StoreStatus, "queued" | "dropped" | "written"> {
    return { queued: this.records.length, dropped: this.dropped, written: this.written };
  }

  /** Writes pending records, for at most this long. */
  async close(waitMs: number): Promise<void> {
    const endMs = performance.now() + waitMs;
    while (!(await this.flush()) && performance.now() < endMs) await pause(50);
    this.isClosed = true;
    if (this.tick !== null) clearTimeout(this.tick);
    if (this.nextSlice !== null) clearImmediate(this.nextSlice);
    const left = this.records.length;
    if (left > 0) this.drop(left, "the database accepted no writes before the gateway stopped");
    this.dequeue(left);
  }

  /** Before anything else is written: it must not end up in the transaction of a batch. */
  finishBatch(): void {
    if (this.begun !== null) this.writeBatch();
  }

  /** The rest of the open batch, or a whole one. False while the database accepts nothing. */
  private writeBatch(): boolean {
    // A slice of a batch is not worth a look at the disk: the file was there when its batch began.
    this.options.connection.current();
    return this.writeSlice(Number.POSITIVE_INFINITY) === "done";
  }

  private writeSlice(endMs: number): "done" | "more" | "failed" {
    const { connection, checkpoints } = this.options;
    try {
      const begun = this.batchToWrite();
      if (begun === null) return this.records.length === 0 ? "done" : "failed";
      const result = begun.writing.step(endMs);
      if (result === null) return "more";
      this.begun = null;
      this.dequeue(begun.size);
      this.written += result.written;
      if (result.refused.length > 0) this.drop(result.refused.length, result.refused[0] ?? "");
      connection.reportSuccess();
      checkpoints.noteWrite();
      return "done";
    } catch (error) {
      const size = this.begun?.size ?? 0;
      this.begun = null;
      this.notWritten(error, size);
      return "failed";
    }
  }

  /** The one that is begun, else the next. Null: there is none, or no database. */
  private batchToWrite(): Begun | null {
    const { connection } = this.options;
    if (this.begun !== null && connection.holds(this.begun.open)) return this.begun;
    // With its file the transaction is gone, and the batch is written again.
    this.begun = null;
    const open = connection.current();
    const batch = this.records.slice(0, batchSize);
    if (open === null || batch.length === 0) return null;
    this.begun = { open, writing: open.prepared.begin(batch), size: batch.length };
    return this.begun;
  }

  private notWritten(error: unknown, size: number): void {
    const { connection, checkpoints } = this.options;
    // The lock is our own thread's, for a moment.
    if (checkpoints.isUnderWay && databaseErrorKind(error) === "busy") return;
    const errorKind = connection.reportError(error);
    if (errorKind === "row") {
      // The batch itself fails, not one row: repeating it would block everything behind it.
      this.dequeue(size);
      this.drop(size, describeDatabaseError(error));
    } else if (errorKind === "full") this.makeRoom();
  }

  private makeRoom(): void {
    const db = this.options.connection.current()?.db;
    if (db === undefined) return;
    try {
      if (isAtLimit(db)) deleteOldest(db, freedRows);
    } catch (error) {
      this.options.connection.reportError(error);
    }
  }

  private scheduleWrite(): void {
    if (this.tick !== null || this.nextSlice !== null || this.isClosed || this.records.length === 0) return;
    const normalDelay = this.records.length >= batchSize ? backlogTickMs : tickMs;
    const { failures } = this;
    const delay =
      failures === 0 ? normalDelay : Math.min(slowestRetryMs, tickMs * 2 ** Math.min(failures, 6));
    this.tick = setTimeout(() => {
      this.tick = null;
      if (this.waitsForCheckpoint()) this.scheduleWrite();
      else this.writeOn();
    }, delay);
    this.tick.unref();
  }

  private writeOn(): void {
    this.nextSlice = null;
    const outcome = this.writeSlice(performance.now() + sliceMs);
    if (outcome === "more") {
      this.nextSlice = setImmediate(() => this.writeOn());
      return;
    }
    this.failures = outcome === "done" ? 0 : this.failures + 1;
    this.scheduleWrite();
  }

  /** Not for long: where the disk is slow, records must not be lost for it. */
  private waitsForCheckpoint(): boolean {
    return this.options.checkpoints.isUnderWay && this.records.length < this.options.limit / 2;
  }

  private dequeue(count: number): void {
    this.records.splice(0, count);
    this.dequeued += count;
  }

  private drop(count: number, why: string): void {
    const dropped = this.dropped + count;
    // One line at the first, then one per thousand: a full disk must not fill the log as well.
    if (this.dropped === 0 || Math.floor(this.dropped / 1000) !== Math.floor(dropped / 1000))
      this.options.log.warn("metrics records dropped", { dropped, detail: why });
    this.dropped = dropped;
  }
}
