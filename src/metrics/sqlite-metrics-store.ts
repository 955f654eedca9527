// The store of request records in a SQLite file. A query sees everything recorded before it; but no query waits for a locked file. Where
// the file cannot be read, statistics are empty and say why; the other queries throw a Failure.

import type { RequestRecord } from "../canon/record.ts";
import { atCapacity, type Failure } from "../canon/failure.ts";
import type { Clock } from "../system/clock.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { aggregateStats } from "./aggregation.ts";
import { Checkpoints } from "./checkpoints.ts";
import { MetricsConnection, type MetricsLog } from "./connection.ts";
import type { MetricsStore, RecentQuery, SpentQuery, StatsQuery, TenantTotals } from "./metrics-store.ts";
import type {
  RecordFilter,
  RequestReport,
  RequestRow,
  RequestsPage,
  RequestsQuery,
  SeriesQuery,
  SeriesReport,
  SessionReport,
  SessionsPage,
  SessionsQuery,
  WasteLine,
} from "./query-shapes.ts";
import {
  type AnswerTo,
  answerTo,
  type ExportPiece,
  type RecordQuestion,
  type SessionQuery,
} from "./record-questions.ts";
import { QueryWorker } from "./query-worker.ts";
import { RollupUpkeep } from "./rollup-upkeep.ts";
import { RecordQueue } from "./record-queue.ts";
import type { RecentRow, StatsReport } from "./report-shapes.ts";
import { readRequestsToday } from "./requests-today.ts";
import { RetentionSweep } from "./retention-sweep.ts";
import type { StoreStatus } from "./store-status.ts";
import { readTenantTotals } from "./tenant-totals.ts";

export type SqliteMetricsOptions = {
  /** Paths to try, in order (`databasePaths`). */
  readonly paths: readonly string[];
  /** The variable or key that set the first path. */
  readonly from?: string;
  /** Whole days; 0 keeps records forever. */
  readonly retentionDays: number;
  /** False: facts, candidates and reason are not stored (`metrics.log_routing_decisions`). */
  readonly keepsDecisions: boolean;
  /** Whether the config names this model of this provider: such a name always has its own rows. Absent: none has. */
  readonly isListed?: (provider: string, model: string) => boolean;
  readonly log: MetricsLog;
  readonly clock: Pick<Clock, "nowMs">;
  /** Called before a query: hands in the records of requests that are over but not complete yet. Absent: there are none. */
  readonly completeRecords?: () => Promise<void>;
  readonly queueLimit?: number;
  readonly maxFileBytes?: number;
  readonly closeWaitMs?: number;
};

/** Around an answer that may itself be null: nothing was found. */
type Read<Q extends RecordQuestion> = { readonly answer: AnswerTo<Q> };

/** Sessions are summed up with the rollups only. */
const asksSessions = (question: RecordQuestion): boolean =>
  question.kind === "sessions" ||
  question.kind === "session" ||
  (question.kind === "series" && question.query.by === "session");

const unreadable = (): Failure =>
  atCapacity("The recorded requests cannot be read at the moment; /health says what is wrong.");

/** The longest time that a query waits for records that were added just before it. */
const flushWaitMs = 500;

export class SqliteMetricsStore implements MetricsStore {
  private readonly connection: MetricsConnection;
  private readonly checkpoints: Checkpoints;
  private readonly queue: RecordQueue;
  private readonly sweep: RetentionSweep;
  private readonly worker: QueryWorker;
  private readonly upkeep: RollupUpkeep;
  private readonly completeRecords: () => Promise<void>;
  private readonly closeWaitMs: number;
  private readonly opening: Timer;
  private isClosed = false;

  constructor(options: SqliteMetricsOptions) {
    const { log, clock } = options;
    this.connection = new MetricsConnection({
      paths: options.paths,
      ...(options.from === undefined ? {} : { from: options.from }),
      log,
      clock,
      maxFileBytes: options.maxFileBytes ?? 2 * 1024 ** 3,
      keepsDecisions: options.keepsDecisions,
      isListed: options.isListed ?? (() => false),
    });
    this.checkpoints = new Checkpoints(() => this.checkpoint(log));
    const { connection, checkpoints } = this;
    this.queue = new RecordQueue({ connection, checkpoints, log, limit: options.queueLimit ?? 10_000 });
    const finishBatch = (): void => this.queue.finishBatch();
    this.sweep = new RetentionSweep(
      { connection, checkpoints, finishBatch, nowMs: clock.nowMs },
      options.retentionDays,
    );
    this.worker = new QueryWorker({ log });
    this.upkeep = new RollupUpkeep({
      connection,
      checkpoints,
      finishBatch,
      read: async () => (await this.ask({ kind: "rollup" }))?.answer ?? null,
      readDay: async () => (await this.ask({ kind: "rollup-day" }))?.answer ?? null,
      written: () => this.queue.counts().written,
    });
    this.closeWaitMs = options.closeWaitMs ?? 2_000;
    this.completeRecords = options.completeRecords ?? (() => Promise.resolve());
    // Opened soon, but not now: a slow disk must not delay the start.
    this.opening = setTimeout(() => {
      this.connection.current();
      this.sweep.start();
      this.upkeep.start();
    }, 0);
  }

  record(record: RequestRecord): void {
    this.queue.push(record);
  }

  async stats({ nowMs, tenant }: StatsQuery): Promise<StatsReport> {
    const asked = await this.answer({ kind: "stats", nowMs, tenant });
    return { ...(asked?.answer ?? aggregateStats(null, nowMs)), database: this.status() };
  }

  async recent(query: RecentQuery): Promise<RecentRow[]> {
    return [...((await this.answer({ kind: "recent", query }))?.answer ?? [])];
  }

  async series(query: SeriesQuery): Promise<SeriesReport> {
    const report = await this.answerOrFail({ kind: "series", query });
    // What waits for a locked file or a full disk is in no sum yet.
    return this.connection.status().state === "failed" && this.queue.counts().queued > 0
      ? { ...report, exact: false }
      : report;
  }

  requests(query: RequestsQuery): Promise<RequestsPage> {
    return this.answerOrFail({ kind: "requests", query });
  }

  request(id: string): Promise<RequestReport | null> {
    return this.answerOrFail({ kind: "request", id });
  }

  sessions(query: SessionsQuery): Promise<SessionsPage> {
    return this.answerOrFail({ kind: "sessions", query });
  }

  session(id: string, query: SessionQuery): Promise<SessionReport | null> {
    return this.answerOrFail({ kind: "session", id, query });
  }

  waste(query: RecordFilter & { readonly nowMs: number }): Promise<readonly WasteLine[]> {
    return this.answerOrFail({ kind: "waste", query });
  }

  async *export(filter: RecordFilter, signal: AbortSignal): AsyncGenerator<readonly RequestRow[]> {
    for (let afterId: number | null = 0; afterId !== null && !signal.aborted;) {
      const piece: ExportPiece = await this.answerOrFail({ kind: "export", filter, afterId });
      if (signal.aborted) return;
      if (piece.rows.length > 0) yield piece.rows;
      ({ afterId } = piece);
    }
  }

  async requestsToday(nowMs: number): Promise<ReadonlyMap<string, number> | null> {
    await this.flushBriefly();
    return this.read((db) => readRequestsToday(db, nowMs));
  }

  async spent(query: SpentQuery): Promise<TenantTotals | null> {
    return this.read((db) => readTenantTotals(db, query));
  }

  flush(): Promise<boolean> {
    return this.queue.flush();
  }

  /** Null if there is no readable database. */
  read<T>(work: (db: SqliteDatabase) => T): T | null {
    const open = this.connection.current();
    if (open === null) return null;
    try {
      const answer = work(open.db);
      this.connection.reportSuccess();
      return answer;
    } catch (error) {
      if (this.connection.reportError(error) === "row") throw error;
      return null;
    }
  }

  setUpkeep(isOurs: boolean): void {
    for (const work of [this.sweep, this.upkeep])
      if (isOurs) work.start();
      else work.stop();
  }

  status(): StoreStatus {
    return { ...this.connection.status(), ...this.queue.counts() };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.queue.close(this.closeWaitMs);
    this.isClosed = true;
    clearTimeout(this.opening);
    this.sweep.stop();
    this.upkeep.stop();
    // A thread that is ended in the middle keeps its lock, and the journal would stay.
    await Promise.race([this.checkpoints.settled(), Bun.sleep(this.closeWaitMs)]);
    this.worker.close();
    this.connection.close();
  }

  private async answerOrFail<Q extends RecordQuestion>(question: Q): Promise<AnswerTo<Q>> {
    const asked = await this.answer(question);
    if (asked === null) throw unreadable();
    return asked.answer;
  }

  /** Null: nothing can be read. */
  private async answer<Q extends RecordQuestion>(question: Q): Promise<Read<Q> | null> {
    await this.flushBriefly();
    if (asksSessions(question)) await this.upkeep.catchUp();
    return this.ask(question);
  }

  private async ask<Q extends RecordQuestion>(question: Q): Promise<Read<Q> | null> {
    const path = this.filePath();
    if (path !== null) {
      const asked = await this.worker.ask(path, question);
      if (asked.outcome === "answered") return asked;
      if (asked.outcome === "gone") return null;
    }
    // In memory; or the file cannot be read: here that is found out as for every statement, and what follows from it.
    return this.read((db) => ({ answer: answerTo(db, question) }));
  }

  /** What it could not do, SQLite does here. */
  private async checkpoint(log: MetricsLog): Promise<void> {
    const path = this.filePath();
    const problem = path === null ? null : await this.worker.checkpoint(path);
    if (problem !== null && !this.isClosed)
      log.info("metrics: a checkpoint of the records' journal is put off", { detail: problem });
  }

  /** Null: there is none, or it is in memory. */
  private filePath(): string | null {
    if (this.connection.current() === null) return null;
    const { path, state } = this.connection.status();
    return state === "memory" ? null : path;
  }

  private async flushBriefly(): Promise<void> {
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, flushWaitMs);
    });
    await Promise.race([this.completeRecords().then(() => this.flush()), enough]);
    clearTimeout(timer);
  }
}
