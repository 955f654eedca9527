// Looks for the newest requests that meet conditions. Where no index helps, the rollups tell which hours to look into, and the search
// stops at its time limit. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver } from "./counted-rows.ts";
import type { RecordFilter } from "./query-shapes.ts";
import { type Conditions, matchCells } from "./record-filter.ts";
import type { SqlValue } from "./record-row.ts";
import { selectRows, type StoredRow } from "./request-row.ts";
import { hourMs, hourRollups, rolledUpTo, rollupData, type RollupRow } from "./rollup.ts";

export type Wanted = {
  /** What rollups can tell of the conditions, and the time. */
  readonly filter: RecordFilter;
  readonly conditions: Conditions;
  /** How many rows. */
  readonly wanted: number;
  /** Only rows with a smaller number. */
  readonly before: number;
  /** The starts of the hours that may hold such rows, of what is in the rollups. Absent: any may. */
  readonly hours?: ReadonlySet<number>;
  readonly deadline: Deadline;
};

export type Searched = {
  readonly found: readonly StoredRow[];
  /** False: the time was over, and what has smaller numbers than `searchedTo` was not looked at. */
  readonly isComplete: boolean;
  readonly searchedTo: number;
};

/** Numbers looked at between two looks at the clock, and how long that should take. */
const smallestStep = 2_000;
const quickMs = 3;
const slowMs = 15;

export const newestIdOf = (db: SqliteDatabase): number =>
  db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM request_records").get()?.id ?? 0;

export type IdRange = { firstId: number; lastId: number };

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
  const { client, agent, model, rule, status, tag, provider, tenant, class: requestClass } = filter;
  const named = [client, agent, model, rule, status, tag, provider, tenant, requestClass];
  return named.some((value) => value !== undefined);
}

class Search {
  readonly found: StoredRow[] = [];
  searchedTo: number;
  private step = smallestStep;
  private hasLooked = false;
  private readonly sql: string;
  private readonly newestId: number;

  constructor(
    private readonly db: SqliteDatabase,
    private readonly wanted: Wanted,
  ) {
    this.newestId = newestIdOf(db);
    this.searchedTo = Math.min(wanted.before, this.newestId + 1);
    this.sql =
      `${selectRows} WHERE id <= ? AND id >= ? AND started_at_ms >= ? AND started_at_ms < ?` +
      `${wanted.conditions.sql} ORDER BY id DESC LIMIT ?`;
  }

  get isFull(): boolean {
    return this.found.length >= this.wanted.wanted;
  }

  /** What lies above this number holds nothing. */
  skipTo(id: number): void {
    this.searchedTo = Math.min(this.searchedTo, id + 1);
  }

  /** False: the time is over. */
  look({ firstId, lastId }: IdRange): boolean {
    const { filter, conditions, wanted, deadline } = this.wanted;
    const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER } = filter;
    for (let to = Math.min(lastId, this.newestId); to >= firstId && !this.isFull; to = this.searchedTo - 1) {
      const startedMs = performance.now();
      // Every page gets at least one piece further.
      if (this.hasLooked && startedMs > deadline.endMs) return false;
      this.hasLooked = true;
      const from = Math.max(firstId, to - this.step + 1);
      const values: SqlValue[] = [to, from, fromMs, toMs, ...conditions.values];
      const left = wanted - this.found.length;
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
  { filter, before, hours: possible, deadline }: Wanted,
  search: Search,
): Iterable<IdRange> {
  const ranges = idRanges(db, filter, before);
  if ((!isRare(filter) && possible === undefined) || filter.session !== undefined) {
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
      if (firstId > lastId || possible?.has(hour.startMs) === false) continue;
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

/** The newest rows that match, as far as the time allows. */
export function searchRows(db: SqliteDatabase, wanted: Wanted): Searched {
  const search = new Search(db, wanted);
  let isComplete = true;
  for (const range of likelyRanges(db, wanted, search)) {
    isComplete = search.look(range);
    if (!isComplete || search.isFull) break;
  }
  const { found, searchedTo } = search;
  return { found, isComplete, searchedTo };
}
