// The answer of /api/requests: the newest requests that a filter lets through, a page at a time, and one request by its id. Where no
// index helps, the rollups tell which hours to look into, and the search stops at its time limit. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver } from "./counted-rows.ts";
import type { RecordFilter, RequestReport, RequestRow, RequestsPage, RequestsQuery } from "./query-shapes.ts";
import { type Conditions, matchCells, rowConditions } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import { listedRequest, selectRows, shownRequest, type StoredRow } from "./request-row.ts";
import { hourMs, hourRollups, rolledUpTo, rollupData, type RollupRow } from "./rollup.ts";

const defaultRows = 50;
const mostRows = 1_000;
/** Numbers looked at between two looks at the clock, and how long that should take. */
const smallestStep = 2_000;
const quickMs = 3;
const slowMs = 15;

export function pageSize(limit: number | undefined, most = mostRows): number {
  const wanted = Math.trunc(limit ?? defaultRows);
  return Number.isNaN(wanted) ? defaultRows : Math.min(most, Math.max(1, wanted));
}

/** Everything before this number; the highest where the cursor is none of ours. */
function cursorId(cursor: string | undefined): number {
  return cursor !== undefined && /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.MAX_SAFE_INTEGER;
}

const newestIdOf = (db: SqliteDatabase): number =>
  db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM request_records").get()?.id ?? 0;

type IdRange = { firstId: number; lastId: number };

/** The numbers that may match, newest first. */
function idRanges(db: SqliteDatabase, filter: RecordFilter, before: number): IdRange[] {
  const everything = [{ firstId: 0, lastId: before - 1 }];
  // A session has an index of its own.
  if (filter.session !== undefined) return everything;
  const rolled = rolledUpTo(db);
  const ranges: IdRange[] = [{ firstId: rolled + 1, lastId: before - 1 }];
  const hours = hourRollups(db, filter.fromMs ?? 0, filter.toMs ?? Number.MAX_SAFE_INTEGER);
  for (const hour of hours.toSorted((a, b) => b.lastId - a.lastId)) {
    if (hour.firstId >= before) continue;
    const last = ranges.at(-1);
    const lastId = Math.min(hour.lastId, before - 1);
    if (last !== undefined && lastId >= last.firstId - 1) last.firstId = Math.min(last.firstId, hour.firstId);
    else ranges.push({ firstId: hour.firstId, lastId });
  }
  return ranges.filter(({ firstId, lastId }) => firstId <= lastId);
}

/** A condition that most rows do not meet and that has no index: then it is worth looking which hours have such requests at all. */
function isRare(filter: RecordFilter): boolean {
  const { client, agent, model, rule, status, tag, provider, tenant } = filter;
  return [client, agent, model, rule, status, tag, provider, tenant].some((value) => value !== undefined);
}

class Search {
  readonly found: StoredRow[] = [];
  searchedTo: number;
  private step = smallestStep;
  private hasLooked = false;
  private readonly sql: string;
  private readonly conditions: Conditions;
  private readonly newestId: number;

  constructor(
    private readonly db: SqliteDatabase,
    private readonly filter: RecordFilter,
    private readonly wanted: number,
    private readonly deadline: Deadline,
    before: number,
  ) {
    this.newestId = newestIdOf(db);
    this.searchedTo = Math.min(before, this.newestId + 1);
    this.conditions = rowConditions(filter);
    this.sql =
      `${selectRows} WHERE id <= ? AND id >= ? AND started_at_ms >= ? AND started_at_ms < ?` +
      `${this.conditions.sql} ORDER BY id DESC LIMIT ?`;
  }

  get isFull(): boolean {
    return this.found.length > this.wanted;
  }

  /** What lies above this number holds nothing. */
  skipTo(id: number): void {
    this.searchedTo = Math.min(this.searchedTo, id + 1);
  }

  /** False: the time is over. */
  look({ firstId, lastId }: IdRange): boolean {
    const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = this.filter;
    for (let to = Math.min(lastId, this.newestId); to >= firstId && !this.isFull; to = this.searchedTo - 1) {
      const startedMs = performance.now();
      // Every page gets at least one piece further.
      if (this.hasLooked && startedMs > this.deadline.endMs) return false;
      this.hasLooked = true;
      const from = Math.max(firstId, to - this.step + 1);
      const values: SqlValue[] = [to, from, fromMs, toMs, ...this.conditions.values];
      const left = this.wanted + 1 - this.found.length;
      for (const row of this.db.query<StoredRow, SqlValue[]>(this.sql).all(...values, left))
        this.found.push(row);
      this.searchedTo = from;
      const tookMs = performance.now() - startedMs;
      // With an index a piece costs nothing, without one it must not take all of the time.
      if (tookMs < quickMs) this.step *= 2;
      else if (tookMs > slowMs) this.step = Math.max(smallestStep, this.step / 2);
    }
    return true;
  }
}

/** The ranges again, cut to the hours whose sums hold at least one request that matches. */
function* likelyRanges(
  db: SqliteDatabase,
  filter: RecordFilter,
  ranges: readonly IdRange[],
  { search, deadline }: { readonly search: Search; readonly deadline: Deadline },
): Iterable<IdRange> {
  if (!isRare(filter) || filter.session !== undefined) {
    yield* ranges;
    return;
  }
  const hours = hourRollups(db, filter.fromMs ?? 0, filter.toMs ?? Number.MAX_SAFE_INTEGER);
  const newest = hours.toSorted((a, b) => b.lastId - a.lastId);
  const rolled = rolledUpTo(db);
  let below = Infinity;
  for (const range of ranges) {
    if (range.lastId > rolled) yield { firstId: Math.max(range.firstId, rolled + 1), lastId: range.lastId };
    for (const hour of newest) {
      const lastId = Math.min(hour.lastId, range.lastId, below - 1);
      const firstId = Math.max(hour.firstId, range.firstId);
      if (firstId > lastId) continue;
      if (isOver(deadline)) search.skipTo(lastId);
      else if (!mayHold(db, filter, hour)) continue;
      below = firstId;
      yield { firstId, lastId };
    }
  }
}

function mayHold(db: SqliteDatabase, filter: RecordFilter, hour: RollupRow): boolean {
  const data = rollupData(db, hourMs, hour.startMs);
  if (data === null) return true;
  const { matched, isCut } = matchCells(data, filter);
  return matched > 0 || isCut;
}

export function readRequests(db: SqliteDatabase, query: RequestsQuery, deadline: Deadline): RequestsPage {
  const wanted = pageSize(query.limit);
  const before = cursorId(query.cursor);
  const search = new Search(db, query, wanted, deadline, before);
  let isComplete = true;
  for (const range of likelyRanges(db, query, idRanges(db, query, before), { search, deadline })) {
    isComplete = search.look(range);
    if (!isComplete || search.isFull) break;
  }
  const rows = search.found.slice(0, wanted);
  const isMore = search.found.length > wanted;
  const last = isMore ? (rows.at(-1)?.id ?? null) : isComplete ? null : search.searchedTo;
  return {
    requests: rows.map(listedRequest),
    next: last === null ? null : String(last),
    complete: isComplete || isMore,
    searched_to_ms: isComplete || isMore ? null : startedAt(db, search.searchedTo),
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
