// The groups of a series by session: the most expensive sessions of the range, each added up from its own rows, and the rest as one.
// Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { isOver, readCountedRows } from "./counted-rows.ts";
import { Group, GroupedSums } from "./group-sums.ts";
import { counterIndex } from "./record-counters.ts";
import { rowConditions } from "./record-filter.ts";
import { otherNames } from "./rollup-data.ts";
import type { SqlValue } from "./record-row.ts";
import type { SummedRange } from "./summed-range.ts";
import { bucketAt } from "./zone-days.ts";

/** Sessions of one name; more than one tenant may use it. */
type Found = { readonly name: string; readonly ids: string };

/** By what they cost in all: only those named are added up for the range. */
function mostExpensive(db: SqliteDatabase, { filter, fromMs, toMs }: SummedRange, limit: number): Found[] {
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, value: string | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add(" AND tenant = ?", filter.tenant);
  add(" AND name = ?", filter.session);
  return db
    .query<Found, SqlValue[]>(
      "SELECT name, json_group_array(id) AS ids FROM sessions WHERE last_ms >= ? AND first_ms < ?" +
        `${conditions.join("")} GROUP BY name ORDER BY sum(cost_nano_usd) DESC, sum(requests) DESC, max(id) DESC LIMIT ?`,
    )
    .all(fromMs, toMs, ...values, limit);
}

export function addSessionGroups(
  db: SqliteDatabase,
  range: SummedRange,
  { limit, all }: { readonly limit: number; readonly all: Group },
): { readonly groups: Group[]; readonly isExact: boolean } {
  const { fromMs, toMs, filter, starts, reading: deadline } = range;
  const conditions = rowConditions({ ...filter, session: undefined });
  const named: Group[] = [];
  let isExact = true;
  for (const { ids, name } of mostExpensive(db, range, limit)) {
    if (isOver(deadline)) {
      isExact = false;
      break;
    }
    const sums = new GroupedSums(undefined, starts.length);
    const row = (each: Parameters<GroupedSums["addRow"]>[0]): void =>
      sums.addRow(each, bucketAt(starts, each[1]));
    for (const id of JSON.parse(ids) as number[]) {
      const own = { sql: ` AND session_id = ?${conditions.sql}`, values: [id, ...conditions.values] };
      const rows = { firstId: 0, lastId: Number.MAX_SAFE_INTEGER, fromMs, toMs };
      if (!readCountedRows(db, rows, own, { deadline, row })) isExact = false;
    }
    const group = new Group(name, starts.length);
    group.merge(sums.all());
    if ((group.totals[counterIndex.requests] ?? 0) > 0) named.push(group);
  }
  named.sort((a, b) => (b.totals[counterIndex.cost] ?? 0) - (a.totals[counterIndex.cost] ?? 0));
  const rest = new Group(otherNames, starts.length);
  rest.merge(all);
  for (const group of named) rest.subtract(group);
  if ((rest.totals[counterIndex.requests] ?? 0) > 0) named.push(rest);
  return { groups: named, isExact };
}
