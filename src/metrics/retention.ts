// What is deleted and when. Every call deletes a small amount, so that no caller waits long.
// It must never VACUUM: freed pages are used again.

import { readNumber } from "../sqlite/database-schema.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { dayMs } from "./tables.ts";

/** Rounded down to a UTC day, so that rows and sums always end at the same moment. */
export function cutoffMs(nowMs: number, retentionDays: number): number {
  return Math.floor(nowMs / dayMs - retentionDays) * dayMs;
}

/** Every row has its share in the sums of its day, so the few sums show whether anything is old. */
export function hasExpired(db: SqliteDatabase, cutoff: number): boolean {
  return db.query("SELECT 1 FROM usage_days WHERE day_ms < ?1 LIMIT 1").get(cutoff) !== null;
}

/**
 * Checks the `limit` requests after `afterId` and deletes those that are older than the cutoff; returns the id to continue from.
 * Null if there were none: then the sums are deleted too. A scan of all rows, once a day, because an index on the times would add
 * a tenth to the cost of every record.
 */
export function deleteExpired(
  db: SqliteDatabase,
  cutoff: number,
  afterId: number,
  limit: number,
): number | null {
  const piece = db
    .query<{ last: number | null }, [number, number]>(
      "SELECT max(id) AS last FROM (SELECT id FROM request_records WHERE id > ?1 ORDER BY id LIMIT ?2)",
    )
    .get(afterId, limit);
  const last = piece?.last ?? null;
  if (last !== null) {
    db.query("DELETE FROM request_records WHERE id > ?1 AND id <= ?2 AND started_at_ms < ?3").run(
      afterId,
      last,
      cutoff,
    );
    return last;
  }
  db.query("DELETE FROM usage_days WHERE day_ms < ?1").run(cutoff);
  db.query("DELETE FROM attempt_days WHERE day_ms < ?1").run(cutoff);
  db.query("DELETE FROM traffic_quarters WHERE quarter_ms < ?1").run(cutoff);
  return null;
}

// More than any batch needs: after a batch that did not fit, at least this much is freed.
const batchPages = 1_024;

/** True if the file has reached its allowed size, as opposed to a full disk. */
export function isAtLimit(db: SqliteDatabase): boolean {
  return readNumber(db, "page_count") >= readNumber(db, "max_page_count") - batchPages;
}

/** Frees space by deleting the oldest requests; their share of the sums stays until it expires. */
export function deleteOldest(db: SqliteDatabase, limit: number): void {
  db.query(
    "DELETE FROM request_records WHERE id IN (SELECT id FROM request_records ORDER BY id LIMIT ?1)",
  ).run(limit);
}
