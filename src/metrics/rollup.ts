// Takes requests into the rollups, a piece at a time: what is new is read and added up in one place (any connection), and written in
// another (the writer's), where it counts only if nobody else was faster.

import { and, eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { countedRows } from "./counted-rows.ts";
import { countedColumns, type CountedRow } from "./record-counters.ts";
import { decodeRollup, RollupBuilder, type RollupData } from "./rollup-data.ts";
import { type SessionAddition, sessionAdditions, writeSessionAdditions } from "./session-sums.ts";
import { quarterMs, rolledUp, rollups } from "./tables.ts";

export const hourMs = 3_600_000;
/** Quarters as well, because every zone in use is a multiple of them: local days and hours are exact without reading rows. */
const rollupSpans = [hourMs, quarterMs] as const;

export type RollupRow = Omit<typeof rollups.$inferSelect, "data">;

export type StoredRollup = RollupRow & { readonly data: Uint8Array };

export type RollupPiece = {
  /** The newest request before and after it. */
  readonly afterId: number;
  readonly lastId: number;
  /** There may be more. */
  readonly isFull: boolean;
  readonly sessions: readonly SessionAddition[];
  readonly rows: readonly StoredRollup[];
};

const rollupColumns = "span_ms, start_ms, first_id, last_id, first_ms, last_ms, requests";

/** The newest request that is in the rollups. */
export function rolledUpTo(db: SqliteDatabase): number {
  return drizzle({ client: db }).select().from(rolledUp).get()?.lastId ?? 0;
}

type Span = {
  startMs: number;
  firstId: number;
  lastId: number;
  firstMs: number;
  lastMs: number;
  requests: number;
};

/** Requests of a quarter of an hour that are in no rollup yet. */
class NewRequests {
  readonly span: Span;
  private readonly builder = new RollupBuilder();

  constructor(startMs: number) {
    this.span = emptySpan(startMs);
  }

  add(row: CountedRow): void {
    extend(this.span, { firstId: row[0], lastId: row[0], firstMs: row[1], lastMs: row[1], requests: 1 });
    this.builder.add(row);
  }

  sums(): RollupData {
    return decodeRollup(this.builder.encode());
  }
}

class GrowingRollup {
  private readonly builder = new RollupBuilder();
  private readonly span: Span;

  constructor(
    db: SqliteDatabase,
    private readonly spanMs: number,
    startMs: number,
  ) {
    this.span = emptySpan(startMs);
    const stored = drizzle({ client: db })
      .select()
      .from(rollups)
      .where(and(eq(rollups.spanMs, spanMs), eq(rollups.startMs, startMs)))
      .get();
    if (stored !== undefined) this.add(stored, decodeRollup(stored.data));
  }

  add(span: Omit<Span, "startMs">, sums: RollupData): void {
    extend(this.span, span);
    this.builder.addAll(sums);
  }

  row(): StoredRollup {
    return { spanMs: this.spanMs, ...this.span, data: this.builder.encode() };
  }
}

const emptySpan = (startMs: number): Span => ({
  startMs,
  firstId: Infinity,
  lastId: 0,
  firstMs: Infinity,
  lastMs: -Infinity,
  requests: 0,
});

function extend(span: Span, by: Omit<Span, "startMs">): void {
  span.firstId = Math.min(span.firstId, by.firstId);
  span.lastId = Math.max(span.lastId, by.lastId);
  span.firstMs = Math.min(span.firstMs, by.firstMs);
  span.lastMs = Math.max(span.lastMs, by.lastMs);
  span.requests += by.requests;
}

const startOf = (ms: number, spanMs: number): number => Math.floor(ms / spanMs) * spanMs;

function byQuarter(rows: readonly CountedRow[]): Iterable<NewRequests> {
  const quarters = new Map<number, NewRequests>();
  let latest: NewRequests | undefined;
  for (const row of rows) {
    const startMs = startOf(row[1], quarterMs);
    if (latest?.span.startMs !== startMs) {
      latest = quarters.get(startMs) ?? new NewRequests(startMs);
      quarters.set(startMs, latest);
    }
    latest.add(row);
  }
  return quarters.values();
}

/** The next at most `limit` requests that are in no rollup. Null: there are none. */
export function readRollupPiece(db: SqliteDatabase, limit: number): RollupPiece | null {
  const afterId = rolledUpTo(db);
  const statement = db.query<unknown, [number, number]>(
    `SELECT ${countedColumns} FROM request_records WHERE id > ?1 ORDER BY id LIMIT ?2`,
  );
  const rows = countedRows(statement.values(afterId, limit));
  const lastId = rows.at(-1)?.[0];
  if (lastId === undefined) return null;
  const growing = new Map<string, GrowingRollup>();
  // Each request is added up once, for its quarter; the sums of a quarter are added to those of all its spans.
  for (const quarter of byQuarter(rows)) {
    const sums = quarter.sums();
    for (const spanMs of rollupSpans) {
      const startMs = startOf(quarter.span.startMs, spanMs);
      const key = `${spanMs} ${startMs}`;
      const rollup = growing.get(key) ?? new GrowingRollup(db, spanMs, startMs);
      growing.set(key, rollup);
      rollup.add(quarter.span, sums);
    }
  }
  return {
    afterId,
    lastId,
    isFull: rows.length === limit,
    sessions: sessionAdditions(db, rows),
    rows: [...growing.values()].map((rollup) => rollup.row()),
  };
}

export function putRollups(db: SqliteDatabase, rows: readonly StoredRollup[]): void {
  const put = db.query(
    `INSERT OR REPLACE INTO rollups (${rollupColumns}, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const { spanMs, startMs, firstId, lastId, firstMs, lastMs, requests, data } of rows)
    put.run(spanMs, startMs, firstId, lastId, firstMs, lastMs, requests, data);
}

/** False: somebody else has taken these requests in. */
export function writeRollupPiece(
  db: SqliteDatabase,
  { afterId, lastId, rows, sessions }: RollupPiece,
): boolean {
  return db
    .transaction(() => {
      if (rolledUpTo(db) !== afterId) return false;
      putRollups(db, rows);
      writeSessionAdditions(db, sessions);
      db.query("INSERT OR REPLACE INTO rolled_up (id, last_id) VALUES (1, ?1)").run(lastId);
      return true;
    })
    .immediate();
}

/** The hours that hold requests which started in the range, oldest first. */
export function hourRollups(db: SqliteDatabase, fromMs: number, toMs: number): RollupRow[] {
  return rollupsOf(db, hourMs, fromMs, toMs);
}

export function quarterRollups(db: SqliteDatabase, fromMs: number, toMs: number): RollupRow[] {
  return rollupsOf(db, quarterMs, fromMs, toMs);
}

/**
 * The rows of a span (?1) from a moment (?2) to another (?3). The plus signs keep SQLite from ending the search by the key: for that
 * it reads the whole of every row, with all its sums, to compare a few bytes.
 */
export const rollupRange = "(span_ms, start_ms) >= (?1, ?2) AND +span_ms = ?1 AND +start_ms < ?3";

const namedColumns =
  "span_ms AS spanMs, start_ms AS startMs, first_id AS firstId, last_id AS lastId, first_ms AS firstMs, last_ms AS lastMs, requests";

function rollupsOf(db: SqliteDatabase, spanMs: number, fromMs: number, toMs: number): RollupRow[] {
  return db
    .query<RollupRow, [number, number, number]>(
      `SELECT ${namedColumns} FROM rollups WHERE ${rollupRange} ORDER BY +start_ms`,
    )
    .all(spanMs, Math.floor(fromMs / spanMs) * spanMs, toMs);
}

export function rollupData(db: SqliteDatabase, spanMs: number, startMs: number) {
  const row = db
    .query<{ data: Uint8Array }, [number, number]>(
      "SELECT data FROM rollups WHERE span_ms = ?1 AND start_ms = ?2",
    )
    .get(spanMs, startMs);
  return row === null ? null : decodeRollup(row.data);
}
