// The answer of /api/requests: the newest requests that a filter lets through, a page at a time, and one request by its id. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver } from "./counted-rows.ts";
import type { RecordFilter, RequestReport, RequestRow, RequestsPage, RequestsQuery } from "./query-shapes.ts";
import { rowConditions } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import { type IdRange, newestIdOf, searchRows } from "./request-search.ts";
import { listedRequest, selectRows, shownRequest, type StoredRow } from "./request-row.ts";
import { hourRollups, rolledUpTo } from "./rollup.ts";

const defaultRows = 50;
const mostRows = 1_000;

export function pageSize(limit: number | undefined, most = mostRows): number {
  const wanted = Math.trunc(limit ?? defaultRows);
  return Number.isNaN(wanted) ? defaultRows : Math.min(most, Math.max(1, wanted));
}

/** Everything before this number; the highest where the cursor is none of ours. */
function cursorId(cursor: string | undefined): number {
  return cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
}

export function readRequests(db: SqliteDatabase, query: RequestsQuery, deadline: Deadline): RequestsPage {
  const wanted = pageSize(query.limit);
  const before = cursorId(query.cursor);
  const { found, isComplete, searchedTo } = searchRows(db, {
    filter: query,
    conditions: rowConditions(query),
    wanted: wanted + 1,
    before,
    deadline,
  });
  const rows = found.slice(0, wanted);
  const isMore = found.length > wanted;
  const last = isMore ? (rows.at(-1)?.id ?? null) : isComplete ? null : searchedTo;
  return {
    requests: rows.map(listedRequest),
    next: last === null ? null : String(last),
    complete: isComplete || isMore,
    searched_to_ms: isComplete || isMore ? null : startedAt(db, searchedTo),
  };
}

/** When the request with this number, or the next one below it, started. */
function startedAt(db: SqliteDatabase, id: number): number | null {
  const row = db
    .query<{ ms: number }, [number]>(
      "SELECT started_at_ms AS ms FROM request_records WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
    )
    .get(id);
  return row?.ms ?? null;
}

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** When the id was made; null for one that is no ULID. */
function ulidMs(id: string): number | null {
  if (!ulid.test(id)) return null;
  let ms = 0;
  for (const letter of id.slice(0, 10).toUpperCase()) ms = ms * 32 + digits.indexOf(letter);
  return ms;
}

export function readRequest(db: SqliteDatabase, id: string): RequestReport | null {
  if (/^\d{1,15}$/.test(id)) {
    const row = db.query<StoredRow, [number]>(`${selectRows} WHERE id = ?`).get(Number(id));
    return row === null ? null : shownRequest(row);
  }
  const within = (firstId: number, lastId: number): RequestReport | null => {
    const row = db
      .query<StoredRow, [number, number, string]>(
        `${selectRows} WHERE id >= ? AND id <= ? AND request_id = ? ORDER BY id DESC LIMIT 1`,
      )
      .get(firstId, lastId, id);
    return row === null ? null : shownRequest(row);
  };
  const newest = within(rolledUpTo(db) + 1, Number.MAX_SAFE_INTEGER);
  const ms = ulidMs(id);
  if (newest !== null || ms === null) return newest;
  // The id is made when the request arrives; its start may be counted in the hour before or after.
  for (const hour of hourRollups(db, ms - 2_000, ms + 2_000)) {
    const found = within(hour.firstId, hour.lastId);
    if (found !== null) return found;
  }
  return null;
}

/** The rows behind a number, oldest first, for an export. */
export function readExportPiece(
  db: SqliteDatabase,
  filter: RecordFilter,
  {
    afterId,
    limit,
    deadline,
  }: { readonly afterId: number; readonly limit: number; readonly deadline: Deadline },
): { readonly rows: readonly RequestRow[]; readonly afterId: number | null } {
  const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = filter;
  const { sql, values } = rowConditions(filter);
  const statement = db.query<StoredRow, SqlValue[]>(
    `${selectRows} WHERE id > ? AND id <= ? AND started_at_ms >= ? AND started_at_ms < ?${sql} ORDER BY id`,
  );
  const bounds = exportBounds(db, filter);
  let after = Math.max(afterId, bounds.firstId - 1);
  const end = Math.min(newestIdOf(db), bounds.lastId);
  const rows: RequestRow[] = [];
  do {
    const to = Math.min(end, after + limit);
    for (const row of statement.all(after, to, fromMs, toMs, ...values)) rows.push(listedRequest(row));
    after = to;
  } while (after < end && rows.length < limit && !isOver(deadline));
  return { rows, afterId: after >= end ? null : after };
}

function exportBounds(db: SqliteDatabase, { fromMs, toMs }: RecordFilter): IdRange {
  const oldest =
    db.query<{ id: number | null }, []>("SELECT min(id) AS id FROM request_records").get()?.id ?? 0;
  if (fromMs === undefined && toMs === undefined) return { firstId: oldest, lastId: Number.MAX_SAFE_INTEGER };
  const hours = hourRollups(db, fromMs ?? 0, toMs ?? Number.MAX_SAFE_INTEGER);
  const firstId = Math.max(oldest, Math.min(rolledUpTo(db) + 1, ...hours.map((hour) => hour.firstId)));
  return { firstId, lastId: Number.MAX_SAFE_INTEGER };
}
