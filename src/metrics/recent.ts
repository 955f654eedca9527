// The newest requests, one by one, for /api/recent and the command line. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { Deadline } from "./counted-rows.ts";
import type { RecentQuery } from "./metrics-store.ts";
import type { Conditions } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import type { RecentRow } from "./report-shapes.ts";
import { selectRows, shownRequest, type StoredRow } from "./request-row.ts";
import { searchRows } from "./request-search.ts";
import { hourMs } from "./rollup.ts";

/** Newest first. By provider or layer, which have no index: as many as are found in the time. */
export function readRecent(db: SqliteDatabase, query: RecentQuery, deadline: Deadline): RecentRow[] {
  const wanted = Math.trunc(query.limit ?? 50);
  const limit = Number.isNaN(wanted) ? 50 : Math.min(1000, Math.max(1, wanted));
  const conditions = conditionsOf(query);
  const { provider, tenant, layer, before = Number.MAX_SAFE_INTEGER } = query;
  if (provider === undefined && layer === undefined)
    return db
      .query<StoredRow, SqlValue[]>(`${selectRows} WHERE id < ?${conditions.sql} ORDER BY id DESC LIMIT ?`)
      .all(before, ...conditions.values, limit)
      .map(shownRequest);
  const filter = {
    ...(provider === undefined ? {} : { provider }),
    ...(tenant === undefined ? {} : { tenant }),
  };
  const hours = hoursOf(db, query);
  return searchRows(db, { filter, conditions, wanted: limit, before, hours, deadline }).found.map(
    shownRequest,
  );
}

function conditionsOf({ provider, tenant, layer, failure }: RecentQuery): Conditions {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, value: string | undefined): void => {
    if (value === undefined) return;
    parts.push(condition);
    values.push(value);
  };
  add("provider = ?", provider);
  add("tenant = ?", tenant);
  add("layer = ?", layer);
  if (failure === true) parts.push("failure IS NOT NULL");
  else add("failure IS NOT NULL AND failure = ?", failure);
  return { sql: parts.map((part) => ` AND ${part}`).join(""), values };
}

/** In which there may be such requests: every one has its share in the sums of its day, and they say when the first and last began. */
function hoursOf(db: SqliteDatabase, { provider, layer }: RecentQuery): ReadonlySet<number> {
  const spans = db
    .query<{ first: number; last: number }, SqlValue[]>(
      `SELECT DISTINCT first_ms / ${hourMs} AS first, last_ms / ${hourMs} AS last FROM usage_days ` +
        "WHERE (?1 IS NULL OR provider = ?1) AND (?2 IS NULL OR layer = ?2)",
    )
    .all(provider ?? null, layer ?? null);
  const hours = new Set<number>();
  for (const { first, last } of spans) for (let hour = first; hour <= last; hour++) hours.add(hour * hourMs);
  return hours;
}
