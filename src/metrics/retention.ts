// What is thrown away and when. Every call deletes one small piece, so that no caller ever waits long.
// It must never VACUUM: freed pages are used again.

import type { Database } from "bun:sqlite";
import { dayMs } from "./tables.ts";

/** Rounded down to a UTC day, so that rows and sums always end at the same moment. */
export function cutoffMs(nowMs: number, retentionDays: number): number {
  return Math.floor(nowMs / dayMs - retentionDays) * dayMs;
}

/** Deletes at most `limit` requests older than the cutoff, and the sums once no such request is left. True when done. */
export function deleteExpired(db: Database, cutoff: number, limit: number): boolean {
  const { changes } = db
    .query(
      "DELETE FROM request_records WHERE id IN (SELECT id FROM request_records WHERE started_at_ms < ?1 LIMIT ?2)",
    )
    .run(cutoff, limit);
  if (changes >= limit) return false;
  db.query("DELETE FROM usage_days WHERE day_ms < ?1").run(cutoff);
  db.query("DELETE FROM attempt_days WHERE day_ms < ?1").run(cutoff);
  db.query("DELETE FROM traffic_quarters WHERE quarter_ms < ?1").run(cutoff);
  return true;
}

// More than any batch needs: after a batch that did not fit, at least this little is left.
const batchPages = 1_024;

/** True when the file has reached its allowed size, as opposed to a full disk. */
export function isAtLimit(db: Database): boolean {
  const read = (pragma: string) =>
    Object.values(db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0;
  return read("page_count") >= read("max_page_count") - batchPages;
}

/** Makes room by dropping the oldest requests; their share of the sums stays until it expires. */
export function deleteOldest(db: Database, limit: number): void {
  db.query(
    "DELETE FROM request_records WHERE id IN (SELECT id FROM request_records ORDER BY id LIMIT ?1)",
  ).run(limit);
}
