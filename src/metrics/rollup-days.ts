// The sums of whole UTC days, made from those of their hours once the day is over. They are a copy that saves reading: a day counts
// only while it holds as many requests as its hours do, otherwise the hours are read, and it is made again.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { Grouping, RecordFilter } from "./query-shapes.ts";
import type { DimensionName } from "./record-counters.ts";
import { hourMs, hourRollups, rollupData, rollupRange, type RollupRow, type StoredRollup } from "./rollup.ts";
import { DayBuilder } from "./rollup-day-data.ts";
import { dayMs } from "./tables.ts";

/**
 * Three rows a day, told apart by what stands for their length: the names of agents and tags make up most of the sums, and few ask for
 * them. Each kind leaves out less than the one before it.
 */
const dayKinds = [
  { spanMs: dayMs, without: ["agent", "parent", "tags", "class"] },
  { spanMs: dayMs + 2, without: ["parent", "tags", "class"] },
  { spanMs: dayMs + 1, without: [] },
] as const satisfies readonly { readonly spanMs: number; readonly without: readonly DimensionName[] }[];

type DayKind = (typeof dayKinds)[number];
export type DaySpan = DayKind["spanMs"];
const detailed = dayKinds[2];

/** The smallest kind of day that can answer it. */
export function daySpanFor(
  { agent, tag, class: turnClass }: RecordFilter,
  by: Grouping | readonly DimensionName[] | undefined,
): DaySpan {
  const asked = new Set<string>(typeof by === "string" ? [by] : by);
  // A tag is looked for among all of a request; an agent also as the one that started another.
  if (agent !== undefined) asked.add("agent").add("parent");
  if (tag !== undefined) asked.add("tags");
  if (turnClass !== undefined) asked.add("class");
  return (dayKinds.find(({ without }) => !without.some((name) => asked.has(name))) ?? detailed).spanMs;
}

/** How many requests the day that begins at each moment holds. */
export function storedDays(
  db: SqliteDatabase,
  span: DaySpan,
  fromMs: number,
  toMs: number,
): ReadonlyMap<number, number> {
  const rows = db
    .query<{ start: number; requests: number }, [number, number, number]>(
      `SELECT start_ms AS start, requests FROM rollups WHERE ${rollupRange}`,
    )
    .all(span, fromMs, toMs);
  return new Map(rows.map(({ start, requests }) => [start, requests]));
}

export const dayOf = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

export const requestsOf = (hours: readonly RollupRow[]): number =>
  hours.reduce((sum, hour) => sum + hour.requests, 0);

/** Requests that began before midnight may end after it. */
const settleMs = hourMs;

const newestHour = (db: SqliteDatabase): number =>
  db
    .query<{ ms: number | null }, [number]>("SELECT max(start_ms) AS ms FROM rollups WHERE span_ms = ?1")
    .get(hourMs)?.ms ?? 0;

/** The oldest day that is over and of which a row is not as its hours are; null: there is none. */
function dueDay(db: SqliteDatabase): { readonly kind: DayKind; readonly startMs: number } | null {
  const days = db
    .query<{ day: number; requests: number }, [number, number, number]>(
      `SELECT start_ms - start_ms % ${dayMs} AS day, sum(requests) AS requests FROM rollups WHERE ${rollupRange} GROUP BY day ORDER BY day`,
    )
    .all(hourMs, 0, newestHour(db) - settleMs + 1);
  // The last one may go on.
  const over = days.slice(0, -1);
  for (const kind of dayKinds) {
    const stored = storedDays(db, kind.spanMs, 0, Number.MAX_SAFE_INTEGER);
    const due = over.find(({ day, requests }) => stored.get(day) !== requests);
    if (due !== undefined) return { kind, startMs: due.day };
  }
  return null;
}

/** One row of the next day that is due, because a question behind this one waits for it; null: no day is due. */
export function readDayRow(db: SqliteDatabase): StoredRollup | null {
  const due = dueDay(db);
  if (due === null) return null;
  const { kind, startMs } = due;
  const hours = hourRollups(db, startMs, startMs + dayMs);
  const builder = new DayBuilder(kind.without);
  for (let at = startMs; at < startMs + dayMs; at += hourMs)
    builder.addHour(hours.some((hour) => hour.startMs === at) ? rollupData(db, hourMs, at) : null);
  return {
    spanMs: kind.spanMs,
    startMs,
    firstId: Math.min(...hours.map((hour) => hour.firstId)),
    lastId: Math.max(...hours.map((hour) => hour.lastId)),
    firstMs: Math.min(...hours.map((hour) => hour.firstMs)),
    lastMs: Math.max(...hours.map((hour) => hour.lastMs)),
    requests: requestsOf(hours),
    data: builder.encode(),
  };
}
