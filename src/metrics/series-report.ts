// The answer of /api/series: sums and charts of any range of time, any grouping and any filter. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Group, GroupedSums } from "./group-sums.ts";
import type { SeriesGroup, SeriesQuery, SeriesReport } from "./query-shapes.ts";
import { addSessionGroups } from "./session-groups.ts";
import { RangeSummation, type Reading, type SummedRange } from "./summed-range.ts";
import { type Buckets, bucketsOf, isTimeZone } from "./zone-days.ts";

const defaultGroups = 50;
const mostNamed = 1_000;

const shown = (group: Group): SeriesGroup => ({
  name: group.name,
  totals: group.sums(),
  points: group.shownPoints(),
});

/** When the oldest and the newest request started; null without any. */
function recordedRange(db: SqliteDatabase): { readonly firstMs: number; readonly lastMs: number } | null {
  const row = db
    .query<{ first: number | null; last: number | null }, []>(
      // Only the days at both ends: the others can hold thousands of rows each.
      "SELECT (SELECT min(first_ms) FROM usage_days WHERE day_ms = (SELECT min(day_ms) FROM usage_days)) AS first, " +
        "(SELECT max(last_ms) FROM usage_days WHERE day_ms = (SELECT max(day_ms) FROM usage_days)) AS last",
    )
    .get();
  return row === null || row.first === null || row.last === null
    ? null
    : { firstMs: row.first, lastMs: row.last };
}

type Frame = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly tz: string;
  readonly buckets: Buckets;
};

function frameOf(query: SeriesQuery, recorded: ReturnType<typeof recordedRange>): Frame {
  const toMs = query.toMs ?? Math.max(query.nowMs, recorded?.lastMs ?? 0) + 1;
  const fromMs = Math.min(query.fromMs ?? recorded?.firstMs ?? query.nowMs, toMs);
  const tz = isTimeZone(query.tz) ? query.tz : "UTC";
  return { fromMs, toMs, tz, buckets: bucketsOf(query.bucket, tz, fromMs, toMs) };
}

function limitOf({ by, limit }: SeriesQuery): number {
  if (by === undefined) return 1;
  const wanted = Math.trunc(limit ?? defaultGroups);
  return Number.isNaN(wanted) ? defaultGroups : Math.min(mostNamed, Math.max(1, wanted));
}

type Read = {
  readonly groups: readonly Group[];
  readonly all: Group;
  readonly previous: Group | null;
  readonly isExact: boolean;
};

function report({ by }: SeriesQuery, { fromMs, toMs, tz, buckets }: Frame, read: Read): SeriesReport {
  return {
    from_ms: fromMs,
    to_ms: toMs,
    tz,
    bucket: buckets.size,
    by: by ?? null,
    buckets: buckets.starts,
    groups: read.groups.map(shown),
    totals: read.all.sums(),
    previous: read.previous?.sums() ?? null,
    exact: read.isExact,
  };
}

export function readSeries(db: SqliteDatabase, query: SeriesQuery, reading: Reading): SeriesReport {
  const frame = frameOf(query, recordedRange(db));
  const { fromMs, toMs, buckets } = frame;
  const range: SummedRange = { fromMs, toMs, filter: query, starts: buckets.starts, reading };
  const sums = new GroupedSums(query.by, buckets.starts.length);
  let isExact = new RangeSummation(db, range, sums).run();
  const all = sums.all();
  let groups = sums.ordered(limitOf(query));
  if (query.by === "session") {
    const found = addSessionGroups(db, range, { limit: limitOf(query), all });
    groups = found.groups;
    isExact &&= found.isExact;
  }
  let previous: Group | null = null;
  if (query.withPrevious === true) {
    const before = { ...range, fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
    const earlier = new GroupedSums(undefined, 1);
    isExact = new RangeSummation(db, { ...before, starts: [before.fromMs] }, earlier).run() && isExact;
    previous = earlier.all();
  }
  if (query.by === undefined && groups.length === 0) groups = [all];
  return report(query, frame, { groups, all, previous, isExact });
}
