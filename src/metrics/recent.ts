// The newest requests, one by one, for /api/recent and the command line. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { RecentQuery } from "./metrics-store.ts";
import type { RecentRow } from "./report-shapes.ts";
import { selectRows, shownRequest, type StoredRow } from "./request-row.ts";

/** Newest first. */
export function readRecent(db: SqliteDatabase, query: RecentQuery): RecentRow[] {
  const { provider, tenant, layer, failure, before } = query;
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add("provider = ?", provider);
  add("tenant = ?", tenant);
  add("layer = ?", layer);
  add("id < ?", before);
  if (failure === true) conditions.push("failure IS NOT NULL");
  else add("failure IS NOT NULL AND failure = ?", failure);
  const wanted = Math.trunc(query.limit ?? 50);
  const limit = Number.isNaN(wanted) ? 50 : Math.min(1000, Math.max(1, wanted));
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return db
    .query<StoredRow, (string | number)[]>(`${selectRows}${where} ORDER BY id DESC LIMIT ?`)
    .all(...values, limit)
    .map(shownRequest);
}
