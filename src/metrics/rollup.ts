// Takes requests into the rollups, a piece at a time: what is new is read and added up in one place (any connection), and written in
// another (the writer's), where it counts only if nobody else was faster.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { countedRows } from "./counted-rows.ts";
import { countedColumns, type CountedRow } from "./record-counters.ts";
import { decodeRollup, RollupBuilder } from "./rollup-data.ts";
import { quarterMs } from "./tables.ts";

export const hourMs = 3_600_000;
/** Quarters as well, because every zone in use is a multiple of them: local days and hours are exact without reading rows. */
export const rollupSpans = [hourMs, quarterMs] as const;

export type RollupRow = {
  readonly span_ms: number;
  readonly start_ms: number;
  readonly first_id: number;
  readonly last_id: number;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly requests: number;
};

export type RollupPiece = {
  /** The newest request before and after it. */
  readonly afterId: number;
  readonly lastId: number;
  readonly rows: readonly (RollupRow & { readonly data: Uint8Array })[];
};

const rollupColumns = "span_ms, start_ms, first_id, last_id, first_ms, last_ms, requests";

/** The newest request that is in the rollups. */
export function rolledUpTo(db: SqliteDatabase): number {
  return (
    db.query<{ last: number }, []>("SELECT last_id AS last FROM rolled_up WHERE id = 1").get()?.last ?? 0
  );
}

type Span = {
  startMs: number;
  firstId: number;
  lastId: number;
  firstMs: number;
  lastMs: number;
  requests: number;
};

class GrowingRollup {
  private readonly builder = new RollupBuilder();
  private readonly span: Span;

  constructor(
    db: SqliteDatabase,
    private readonly spanMs: number,
    startMs: number,
  ) {
    this.span = { startMs, firstId: Infinity, lastId: 0, firstMs: Infinity, lastMs: -Infinity, requests: 0 };
    const stored = db
      .query<RollupRow & { data: Uint8Array }, [number, number]>(
        `SELECT ${rollupColumns}, data FROM rollups WHERE span_ms = ?1 AND start_ms = ?2`,
      )
      .get(spanMs, startMs);
    if (stored === null) return;
    this.extend(stored.first_id, stored.first_ms, 0);
    this.extend(stored.last_id, stored.last_ms, stored.requests);
    this.builder.addAll(decodeRollup(stored.data));
  }

  add(row: CountedRow): void {
    this.extend(row[0], row[1], 1);
    this.builder.add(row);
  }

  row(): RollupPiece["rows"][number] {
    const { startMs, firstId, lastId, firstMs, lastMs, requests } = this.span;
    return {
      span_ms: this.spanMs,
      start_ms: startMs,
      first_id: firstId,
      last_id: lastId,
      first_ms: firstMs,
      last_ms: lastMs,
      requests,
      data: this.builder.encode(),
    };
  }

  private extend(id: number, ms: number, requests: number): void {
    const { span } = this;
    span.firstId = Math.min(span.firstId, id);
    span.lastId = Math.max(span.lastId, id);
    span.firstMs = Math.min(span.firstMs, ms);
    span.lastMs = Math.max(span.lastMs, ms);
    span.requests += requests;
  }
}

/** The next at most `limit` requests that are in no rollup. Null: there are none. */
export function readRollupPiece(db: SqliteDatabase, limit: number): RollupPiece | null {
  // One moment of the file: another gateway may be writing.
  return db.transaction(() => {
    const afterId = rolledUpTo(db);
    const statement = db.query<unknown, [number, number]>(
      `SELECT ${countedColumns} FROM request_records WHERE id > ?1 ORDER BY id LIMIT ?2`,
    );
    const rows = countedRows(statement.values(afterId, limit));
    const lastId = rows.at(-1)?.[0];
    if (lastId === undefined) return null;
    const growing = new Map<string, GrowingRollup>();
    for (const row of rows)
      for (const spanMs of rollupSpans) {
        const startMs = Math.floor(row[1] / spanMs) * spanMs;
        const key = `${spanMs} ${startMs}`;
        let rollup = growing.get(key);
        if (rollup === undefined) {
          rollup = new GrowingRollup(db, spanMs, startMs);
          growing.set(key, rollup);
        }
        rollup.add(row);
      }
    return { afterId, lastId, rows: [...growing.values()].map((rollup) => rollup.row()) };
  })();
}

/** False: somebody else has taken these requests in. */
export function writeRollupPiece(db: SqliteDatabase, { afterId, lastId, rows }: RollupPiece): boolean {
  return db
    .transaction(() => {
      if (rolledUpTo(db) !== afterId) return false;
      const put = db.query(
        `INSERT OR REPLACE INTO rollups (${rollupColumns}, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      );
      for (const row of rows)
        put.run(
          row.span_ms,
          row.start_ms,
          row.first_id,
          row.last_id,
          row.first_ms,
          row.last_ms,
          row.requests,
          row.data,
        );
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

function rollupsOf(db: SqliteDatabase, spanMs: number, fromMs: number, toMs: number): RollupRow[] {
  return db
    .query<RollupRow, [number, number, number]>(
      `SELECT ${rollupColumns} FROM rollups WHERE span_ms = ?1 AND start_ms >= ?2 AND start_ms < ?3 ORDER BY start_ms`,
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
