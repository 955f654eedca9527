// The sums of older days behind /api/stats, kept by the reading thread: adding up months of them again for every look takes longer than
// all the rest of the report.

import { LRUCache } from "lru-cache";
import type { UsageSums } from "./aggregation.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";

/** Whose, and of all days before this moment. */
export type UsageRange = { readonly tenant: string | undefined; readonly toMs: number };

type Kept = { readonly state: string; readonly sums: readonly UsageSums[] };

/** One for each tenant that looks. */
const mostKept = 20;

export class UsageCache {
  private readonly ofFile = new WeakMap<SqliteDatabase, LRUCache<string, Kept>>();

  read(db: SqliteDatabase, range: UsageRange, read: () => readonly UsageSums[]): readonly UsageSums[] {
    let kept = this.ofFile.get(db);
    if (kept === undefined) {
      kept = new LRUCache({ max: mostKept });
      this.ofFile.set(db, kept);
    }
    const key = range.tenant === undefined ? "" : `=${range.tenant}`;
    const state = stateOf(db, range.toMs);
    const known = kept.get(key);
    if (known?.state === state) return known.sums;
    const sums = read();
    kept.set(key, { state, sums });
    return sums;
  }
}

/** Differs when a request was added to one of the days, or a day was deleted. */
function stateOf(db: SqliteDatabase, toMs: number): string {
  const row = db
    .query<{ days: number; first: number | null; requests: number | null }, [number]>(
      "SELECT count(*) AS days, min(day_ms) AS first, sum(requests) AS requests FROM usage_days WHERE +day_ms < ?1",
    )
    .get(toMs);
  return [toMs, row?.days, row?.first, row?.requests].join(" ");
}
