// The one place that keeps request records: a bounded queue in front of SQLite. `record` never throws and never waits,
// whatever the disk does; what cannot be kept is counted.

import type { Database } from "bun:sqlite";
import type { RequestRecord } from "../canon/record.ts";
import type { Clock } from "../system/clock.ts";
import { createConnection, type ConnectionState, type MetricsLog } from "./connection.ts";
import { describeDatabaseError } from "./database.ts";
import { cutoffMs, deleteExpired, deleteOldest, hasExpired, isAtLimit } from "./retention.ts";

export type StoreStatus = {
  readonly path: string | null;
  readonly queued: number;
  readonly dropped: number;
  readonly written: number;
  /** failed = nothing can be written just now, records wait; memory = kept until the gateway stops. */
  readonly state: ConnectionState | "disabled";
  readonly detail: string | null;
  /** What was wrong with the place that was chosen, where another one serves in its place. */
  readonly passedOver?: string;
};

/** What the reports need of a store. */
export type RecordSource = {
  /** Writes what waits. True when nothing waits any more; false when the database takes nothing just now. */
  flush(): Promise<boolean>;
  /** Null when there is no readable database. */
  read<T>(work: (db: Database) => T): T | null;
  status(): StoreStatus;
};

export type MetricsStore = RecordSource & {
  record(record: RequestRecord): void;
  /** Writes what waits, for at most `closeWaitMs`, then closes the file. Idempotent. */
  close(): Promise<void>;
};

export type StoreOptions = {
  /** Places to try, in order (`databasePaths`). */
  readonly paths: readonly string[];
  /** Which variable or key the first of them came from. */
  readonly from?: string;
  /** Whole days; 0 keeps records for ever. */
  readonly retentionDays: number;
  /** False: facts, candidates and reason are not stored (`metrics.log_routing_decisions`). */
  readonly keepsDecisions: boolean;
  /** Whether the config names this model of this provider's: such a name has rows of its own always. Absent: none. */
  readonly isListed?: (provider: string, model: string) => boolean;
  readonly log: MetricsLog;
  readonly clock: Pick<Clock, "nowMs">;
  readonly queueLimit?: number;
  readonly maxFileBytes?: number;
  readonly closeWaitMs?: number;
};

// At 5 us a row: a batch holds up the requests of this process for a millisecond or two.
const batchSize = 250;
const tickMs = 150;
// A long queue is written in short breaths instead, so that a burst of thousands a second is not lost.
const backlogTickMs = 4;
const slowestRetryMs = 5_000;
const sweepEveryMs = 3_600_000;
const sweepPauseMs = 20;
const sweepSize = 500;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

export function openMetricsStore(options: StoreOptions): MetricsStore {
  const { log, clock } = options;
  const queueLimit = options.queueLimit ?? 10_000;
  const connection = createConnection({
    paths: options.paths,
    ...(options.from === undefined ? {} : { from: options.from }),
    log,
    clock,
    maxFileBytes: options.maxFileBytes ?? 2 * 1024 ** 3,
    keepsDecisions: options.keepsDecisions,
    isListed: options.isListed ?? (() => false),
  });
  const queue: RequestRecord[] = [];
  let pushed = 0;
  let dequeued = 0;
  let written = 0;
  let dropped = 0;
  let failures = 0;
  let isClosed = false;
  let tick: Timer | null = null;
  let sweep: Timer | null = null;
  let sweptUpTo = 0;

  const drop = (count: number, why: string) => {
    // One line when it starts, one each thousand: a full disk must not fill the log as well.
    if (dropped === 0 || Math.floor(dropped / 1000) !== Math.floor((dropped + count) / 1000))
      log.warn("metrics records dropped", { dropped: dropped + count, detail: why });
    dropped += count;
  };

  const dequeue = (count: number) => {
    queue.splice(0, count);
    dequeued += count;
  };

  /** One batch. False when the database takes nothing just now. */
  const writeBatch = (): boolean => {
    const open = connection.current();
    if (open === null) return false;
    const batch = queue.slice(0, batchSize);
    if (batch.length === 0) return true;
    try {
      const result = open.writer.write(batch);
      dequeue(batch.length);
      written += result.written;
      if (result.refused.length > 0) drop(result.refused.length, result.refused[0] ?? "");
      connection.reportSuccess();
      return true;
    } catch (error) {
      const errorKind = connection.reportError(error);
      if (errorKind === "row") {
        // Not one row's fault but the batch's: trying it again would stop everything behind it.
        dequeue(batch.length);
        drop(batch.length, describeDatabaseError(error));
      } else if (errorKind === "full") makeRoom(open.db);
      return false;
    }
  };

  const makeRoom = (db: Database) => {
    try {
      if (isAtLimit(db)) deleteOldest(db, sweepSize * 2);
    } catch (error) {
      connection.reportError(error);
    }
  };

  const scheduleWrite = () => {
    if (tick !== null || isClosed || queue.length === 0) return;
    const normalDelay = queue.length >= batchSize ? backlogTickMs : tickMs;
    const delay =
      failures === 0 ? normalDelay : Math.min(slowestRetryMs, tickMs * 2 ** Math.min(failures, 6));
    tick = setTimeout(() => {
      tick = null;
      failures = writeBatch() ? 0 : failures + 1;
      scheduleWrite();
    }, delay);
    tick.unref();
  };

  const flush = async (): Promise<boolean> => {
    const goal = pushed;
    while (dequeued < goal) {
      // A second try at once: the first may have found a broken or full file and mended it.
      if (!writeBatch() && !writeBatch()) return false;
      failures = 0;
      await nextTurn();
    }
    return true;
  };

  const sweepStep = () => {
    const open = connection.current();
    const cutoff = cutoffMs(clock.nowMs(), options.retentionDays);
    let next: number | null = null;
    try {
      if (open !== null && (sweptUpTo > 0 || hasExpired(open.db, cutoff)))
        next = deleteExpired(open.db, cutoff, sweptUpTo, sweepSize);
    } catch (error) {
      connection.reportError(error);
    }
    sweptUpTo = next ?? 0;
    scheduleSweep(next === null ? sweepEveryMs : sweepPauseMs);
  };

  const scheduleSweep = (delayMs: number) => {
    if (isClosed || options.retentionDays <= 0) return;
    sweep = setTimeout(sweepStep, delayMs);
    sweep.unref();
  };

  // Opened soon, but not now: a slow disk must not hold up the start.
  const opening = setTimeout(() => {
    if (!isClosed) connection.current();
    scheduleSweep(sweepPauseMs);
  }, 0);

  return {
    record(record) {
      if (isClosed || queue.length >= queueLimit) {
        drop(1, isClosed ? "the store is closed" : "the queue is full");
        return;
      }
      pushed += 1;
      queue.push(record);
      // A full batch is not kept waiting: what lives through a collection is old to the collector, and dear to get rid of.
      if (queue.length === batchSize && failures === 0 && tick !== null) {
        clearTimeout(tick);
        tick = null;
      }
      scheduleWrite();
    },

    flush,

    read(work) {
      const open = connection.current();
      if (open === null) return null;
      try {
        const answer = work(open.db);
        connection.reportSuccess();
        return answer;
      } catch (error) {
        if (connection.reportError(error) === "row") throw error;
        return null;
      }
    },

    status: () => ({ ...connection.status(), queued: queue.length, dropped, written }),

    async close() {
      if (isClosed) return;
      const endMs = performance.now() + (options.closeWaitMs ?? 2_000);
      while (!(await flush()) && performance.now() < endMs) await pause(50);
      isClosed = true;
      clearTimeout(opening);
      if (tick !== null) clearTimeout(tick);
      if (sweep !== null) clearTimeout(sweep);
      if (queue.length > 0) drop(queue.length, "the database took nothing before the gateway stopped");
      dequeue(queue.length);
      connection.close();
    },
  };
}

/** For `metrics.enabled: false` and `metrics.log_requests: false`: nothing is kept. */
export function disabledMetricsStore(): MetricsStore {
  return {
    record: () => undefined,
    flush: () => Promise.resolve(true),
    read: () => null,
    status: () => ({
      path: null,
      queued: 0,
      dropped: 0,
      written: 0,
      state: "disabled",
      detail: "metrics are switched off in the config",
    }),
    close: () => Promise.resolve(),
  };
}
