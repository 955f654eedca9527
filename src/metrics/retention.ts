// What is deleted and when. Every call deletes a small amount, so that no caller waits long.
// It must never VACUUM: freed pages are used again.

import { readNumber } from "../sqlite/database-schema.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { hourMs, rolledUpTo, rollupRange } from "./rollup.ts";
import { dayMs, quarterMs } from "./tables.ts";

/** Rounded down to a UTC day, so that rows and sums always end at the same moment. */
export function cutoffMs(nowMs: number, retentionDays: number): number {
  return Math.floor(nowMs / dayMs - retentionDays) * dayMs;
}

/** Every row has its share in the sums of its day, so the few sums show whether anything is old. */
export function hasExpired(db: SqliteDatabase, cutoff: number): boolean {
  const found = db.query(
    "SELECT EXISTS (SELECT 1 FROM usage_days WHERE day_ms < ?1) OR EXISTS (SELECT 1 FROM rollups WHERE start_ms < ?1) " +
      "OR EXISTS (SELECT 1 FROM sessions WHERE last_ms < ?1) AS n",
  );
  return (found.get(cutoff) as { n: number } | null)?.n === 1;
}

const numberOf = (db: SqliteDatabase, sql: string, ...values: number[]): number | null =>
  db.query<{ n: number | null }, number[]>(sql).get(...values)?.n ?? null;

/**
 * Checks the `limit` requests after `afterId` and deletes those that are older than the cutoff; returns the id to continue from.
 * Null if there were none: then what was summed up of the time before is deleted too. The rollups tell up to which number requests
 * of that time can be; what is in no rollup yet is looked through as well.
 */
export function deleteExpired(
  db: SqliteDatabase,
  cutoff: number,
  afterId: number,
  limit: number,
): number | null {
  const expiredTo =
    numberOf(db, `SELECT max(last_id) AS n FROM rollups WHERE ${rollupRange}`, hourMs, 0, cutoff) ?? 0;
  const after = afterId < expiredTo ? afterId : Math.max(afterId, rolledUpTo(db));
  const last = numberOf(
    db,
    "SELECT max(id) AS n FROM (SELECT id FROM request_records WHERE id > ?1 ORDER BY id LIMIT ?2)",
    after,
    limit,
  );
  if (last !== null) {
    db.query("DELETE FROM request_records WHERE id > ?1 AND id <= ?2 AND started_at_ms < ?3").run(
      after,
      last,
      cutoff,
    );
    return last;
  }
  const isMore = deleteSummed(db, cutoff, limit);
  restartNumbers(db);
  return isMore ? afterId : null;
}

/** With their keys: most of them have no row numbers. */
const sumTables = [
  ["usage_days", "day_ms", "day_ms, tenant, provider, model, layer, rule, outcome"],
  ["attempt_days", "day_ms", "day_ms, tenant, provider, model"],
  ["traffic_quarters", "quarter_ms", "quarter_ms, tenant"],
  ["rollups", "start_ms", "span_ms, start_ms"],
  ["sessions", "last_ms", "id"],
] as const;

/** What was summed up of the time before, at most so many rows of one table at a time. False: there was none. */
function deleteSummed(db: SqliteDatabase, beforeMs: number, limit: number): boolean {
  return sumTables.some(([table, column, key]) => {
    // A row of them is as large as a few hundred others.
    const most = table === "rollups" ? Math.max(1, Math.floor(limit / rollupShare)) : limit;
    const { changes } = db
      .query(
        `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${column} < ?1 LIMIT ?2)`,
      )
      .run(beforeMs, most);
    return changes > 0;
  });
}

/** Without any row SQLite numbers from 1 again: then the rollups have seen none of the numbers to come. */
function restartNumbers(db: SqliteDatabase): void {
  db.query("UPDATE rolled_up SET last_id = 0 WHERE NOT EXISTS (SELECT 1 FROM request_records)").run();
}

const rollupShare = 50;
/** Where the size limit is reached: an older file shrinks no faster than its rows go. */
const summedPiece = 100;
const rollupPiece = 5;

// More than any batch needs: after a batch that did not fit, at least this much is freed.
const batchPages = 1_024;

/** True if the file has reached its allowed size, as opposed to a full disk. */
export function isAtLimit(db: SqliteDatabase): boolean {
  return readNumber(db, "page_count") >= readNumber(db, "max_page_count") - batchPages;
}

/**
 * Frees space by deleting the oldest requests, and the sessions and quarters of an hour from before the first that is left. Their
 * share of the other sums stays until it expires; but once few requests are left, it is the sums that fill the file.
 */
export function deleteOldest(db: SqliteDatabase, limit: number): void {
  db.query(
    "DELETE FROM request_records WHERE id IN (SELECT id FROM request_records ORDER BY id LIMIT ?1)",
  ).run(limit);
  restartNumbers(db);
  const firstMs = numberOf(db, "SELECT started_at_ms AS n FROM request_records ORDER BY id LIMIT 1");
  if (firstMs === null) return;
  db.query("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE last_ms < ?1 LIMIT ?2)").run(
    firstMs - dayMs,
    summedPiece,
  );
  db.query(
    "DELETE FROM rollups WHERE (span_ms, start_ms) IN (SELECT span_ms, start_ms FROM rollups WHERE span_ms = ?1 AND start_ms < ?2 LIMIT ?3)",
  ).run(quarterMs, firstMs - dayMs, rollupPiece);
  const left =
    numberOf(
      db,
      // Two selects: each is one look at an end of the table, both in one would read all of it.
      "SELECT (SELECT max(id) FROM request_records) - (SELECT min(id) FROM request_records) AS n",
    ) ?? 0;
  if (left > fewRequests) return;
  db.query(
    "DELETE FROM rollups WHERE (span_ms, start_ms) IN (SELECT span_ms, start_ms FROM rollups WHERE start_ms < ?1 ORDER BY start_ms LIMIT ?2)",
  ).run(firstMs - dayMs, rollupPiece);
  for (const [table, column] of [
    ["usage_days", "day_ms"],
    ["attempt_days", "day_ms"],
    ["traffic_quarters", "quarter_ms"],
  ])
    db.query(
      `DELETE FROM ${table} WHERE ${column} < (SELECT min(${column}) + ?1 FROM ${table}) AND ${column} < ?2`,
    ).run(dayMs, firstMs - dayMs);
}

const fewRequests = 2_000;
