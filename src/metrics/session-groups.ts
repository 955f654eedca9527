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

type Found = { readonly id: number; readonly name: string; readonly tenant: string };

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
      "SELECT id, name, tenant FROM sessions WHERE last_ms >= ? AND first_ms < ?" +
        `${conditions.join("")} ORDER BY cost_nano_usd DESC, requests DESC, id DESC LIMIT ?`,
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
  const groups = new Map<string, Group>();
  let isExact = true;
  for (const { id, name } of mostExpensive(db, range, limit)) {
    if (isOver(deadline)) {
      isExact = false;
      break;
    }
    const sums = new GroupedSums(undefined, starts.length);
    const own = { sql: ` AND session_id = ?${conditions.sql}`, values: [id, ...conditions.values] };
    const ids = { firstId: 0, lastId: Number.MAX_SAFE_INTEGER };
    const row = (each: Parameters<GroupedSums["addRow"]>[0]): void =>
      sums.addRow(each, bucketAt(starts, each[1]));
    if (!readCountedRows(db, { ...ids, fromMs, toMs }, own, { deadline, row })) isExact = false;
    const read = sums.all();
    if ((read.totals[counterIndex.requests] ?? 0) === 0) continue;
    // Two tenants may use the same name.
    const group = groups.get(name) ?? new Group(name, starts.length);
    group.merge(read);
    groups.set(name, group);
  }
  const named = [...groups.values()].toSorted(
    (a, b) => (b.totals[counterIndex.cost] ?? 0) - (a.totals[counterIndex.cost] ?? 0),
  );
  const rest = new Group(otherNames, starts.length);
  rest.merge(all);
  for (const group of named) rest.subtract(group);
  if ((rest.totals[counterIndex.requests] ?? 0) > 0) named.push(rest);
  return { groups: named, isExact };
}
