// Adds up the requests of a time: whole hours and quarters of hours from the rollups, what lies at the edges and what is newer than
// the rollups from the rows. Every request counts exactly once. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver, readCountedRows, type RowRange } from "./counted-rows.ts";
import type { GroupedSums, SumPart } from "./group-sums.ts";
import type { RecordFilter } from "./query-shapes.ts";
import { isSummable, matchCells, rowConditions } from "./record-filter.ts";
import { hourMs, hourRollups, quarterRollups, rolledUpTo, type RollupRow } from "./rollup.ts";
import { RollupCache } from "./rollup-cache.ts";
import { dayOf, daySpanFor, type DaySpan, requestsOf, storedDays } from "./rollup-days.ts";
import { bucketAt } from "./zone-days.ts";

/** How long may be read, and what was read before. */
export type Reading = Deadline & { readonly cache?: RollupCache };

export type SummedRange = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly filter: RecordFilter;
  /** The beginnings of the buckets. */
  readonly starts: readonly number[];
  readonly reading: Reading;
};

/** So few requests are read one by one: then even their percentiles are exact. */
const fewRequests = 2_000;

/** Hours of a day that lie in two buckets each, because the zone's clocks are half an hour away; with more the hours are read. */
const mostDivided = 3;

const everyId = { firstId: 0, lastId: Number.MAX_SAFE_INTEGER };

export class RangeSummation {
  private isExact = true;
  private readonly oldestId: number;
  private readonly cache: RollupCache;
  private quarters: ReadonlyMap<number, readonly RollupRow[]> | null = null;

  constructor(
    private readonly db: SqliteDatabase,
    private readonly range: SummedRange,
    private readonly sums: GroupedSums,
  ) {
    this.cache = range.reading.cache ?? new RollupCache();
    this.oldestId =
      db.query<{ id: number | null }, []>("SELECT min(id) AS id FROM request_records").get()?.id ?? 0;
  }

  /** False: a part is missing or approximate. */
  run(): boolean {
    const { fromMs, toMs, filter } = this.range;
    const { db } = this;
    if (filter.session !== undefined) {
      this.addRows(everyId, fromMs, toMs);
      return this.isExact;
    }
    const hours = hourRollups(db, fromMs, toMs);
    const last = rolledUpTo(db);
    this.addRows({ firstId: last + 1, lastId: everyId.lastId }, fromMs, toMs);
    const isComplete = hours.every((hour) => hour.firstId >= this.oldestId);
    const requests = hours.reduce((sum, hour) => sum + hour.requests, 0);
    if (!isSummable(filter) || (isComplete && requests <= fewRequests)) {
      if (!isComplete) this.isExact = false;
      this.addRowsOf(hours, last);
    } else this.addDays(hours);
    return this.isExact;
  }

  /** Whole days where they are stored, and the other hours. */
  private addDays(hours: readonly RollupRow[]): void {
    const { fromMs, toMs, filter } = this.range;
    const span = daySpanFor(filter, this.sums.by);
    const stored = storedDays(this.db, span, fromMs, toMs);
    const hoursOfDays = new Map<number, RollupRow[]>();
    for (const hour of hours) {
      const startMs = dayOf(hour.startMs);
      const known = hoursOfDays.get(startMs);
      if (known === undefined) hoursOfDays.set(startMs, [hour]);
      else known.push(hour);
    }
    for (const [startMs, ofDay] of hoursOfDays) {
      if (stored.get(startMs) === requestsOf(ofDay) && this.addDay(startMs, ofDay, span)) continue;
      for (const hour of ofDay) this.addHour(hour);
    }
  }

  /** False: its hours have to be read. */
  private addDay(startMs: number, hours: readonly RollupRow[], span: DaySpan): boolean {
    const { fromMs, toMs, starts, filter } = this.range;
    if (hours.some((hour) => hour.firstMs < fromMs || hour.lastMs >= toMs)) return false;
    const bucketOfHour = new Int32Array(24).fill(-1);
    const divided: RollupRow[] = [];
    for (const hour of hours) {
      const bucket = bucketAt(starts, hour.firstMs);
      if (bucketAt(starts, hour.lastMs) === bucket) bucketOfHour[(hour.startMs - startMs) / hourMs] = bucket;
      else divided.push(hour);
    }
    if (divided.length > mostDivided) return false;
    const data = this.cache.day(this.db, { spanMs: span, startMs, requests: requestsOf(hours) });
    if (data === null) return false;
    const { mask, matched, isCut } = matchCells(data.sums, filter);
    if (isCut || this.sums.isCutIn(data.sums)) return false;
    if (matched === 0) return true;
    // Without a chart the day is one sum like any other.
    if (starts.length === 1) this.sums.addRollup(data.sums, mask, 0);
    else this.sums.addDay(data.sums, mask, { hours: data.hours(), bucketOfHour });
    for (const hour of divided) this.addHour(hour, "points");
    return true;
  }

  /** The hours' rows, in as few passes as their numbers allow: hours overlap where requests were long. */
  private addRowsOf(hours: readonly RollupRow[], last: number): void {
    if (hours.length === 0) return;
    const firstId = Math.min(...hours.map((hour) => hour.firstId));
    const lastId = Math.min(last, Math.max(...hours.map((hour) => hour.lastId)));
    this.addRows({ firstId, lastId }, this.range.fromMs, this.range.toMs);
  }

  private addHour(hour: RollupRow, part: SumPart = "all"): void {
    if (this.addWhole(hour, part)) return;
    const { fromMs, toMs } = this.range;
    const quarters = this.quartersOf(hour);
    const known = quarters.reduce((sum, quarter) => sum + quarter.requests, 0);
    // Quarters go with the rows of their time; the hours stay.
    if (known !== hour.requests) {
      this.addEdge(hour, part);
      return;
    }
    for (const quarter of quarters)
      if (quarter.lastMs >= fromMs && quarter.firstMs < toMs && !this.addWhole(quarter, part))
        this.addEdge(quarter, part);
  }

  /** All quarters of the range are looked up at once: a chart of hours in a zone at half an hour divides every one of them. */
  private quartersOf(hour: RollupRow): readonly RollupRow[] {
    const { fromMs, toMs } = this.range;
    this.quarters ??= Map.groupBy(
      quarterRollups(this.db, Math.floor(fromMs / hourMs) * hourMs, Math.ceil(toMs / hourMs) * hourMs),
      ({ startMs }) => Math.floor(startMs / hourMs) * hourMs,
    );
    return this.quarters.get(hour.startMs) ?? [];
  }

  /** True: all its requests belong to one bucket, and were added; or none belongs to the range. */
  private addWhole(rollup: RollupRow, part: SumPart): boolean {
    const { fromMs, toMs, starts } = this.range;
    if (rollup.lastMs < fromMs || rollup.firstMs >= toMs) return true;
    if (rollup.firstMs < fromMs || rollup.lastMs >= toMs) return false;
    const bucket = bucketAt(starts, rollup.firstMs);
    if (bucketAt(starts, rollup.lastMs) !== bucket) return false;
    this.addSums(rollup, bucket, part);
    return true;
  }

  private addSums(rollup: RollupRow, bucket: number, part: SumPart): void {
    const data = this.cache.sums(this.db, rollup);
    if (data === null) return;
    const { mask, matched, isCut } = matchCells(data, this.range.filter);
    if (isCut) this.isExact = false;
    if (matched === 0) return;
    if (part === "points") this.sums.addPoints(data, mask, bucket);
    else this.sums.addRollup(data, mask, bucket);
  }

  private addEdge(rollup: RollupRow, part: SumPart): void {
    const { fromMs, toMs, starts } = this.range;
    const endMs = rollup.startMs + rollup.spanMs;
    if (rollup.firstId < this.oldestId) {
      // Its rows were deleted: all of it counts where its middle is.
      this.isExact = false;
      const middleMs = (rollup.firstMs + rollup.lastMs) / 2;
      if (middleMs >= fromMs && middleMs < toMs) this.addSums(rollup, bucketAt(starts, middleMs), part);
      return;
    }
    this.addRows(
      { firstId: rollup.firstId, lastId: rollup.lastId },
      Math.max(fromMs, rollup.startMs),
      Math.min(toMs, endMs),
      part,
    );
  }

  private addRows(
    ids: Pick<RowRange, "firstId" | "lastId">,
    fromMs: number,
    toMs: number,
    part: SumPart = "all",
  ): void {
    const { filter, starts, reading } = this.range;
    if (isOver(reading)) {
      this.isExact = false;
      return;
    }
    const row = (each: Parameters<GroupedSums["addRow"]>[0]): void =>
      this.sums.addRow(each, bucketAt(starts, each[1]), part);
    const range = { ...ids, fromMs, toMs };
    if (!readCountedRows(this.db, range, rowConditions(filter), { deadline: reading, row }))
      this.isExact = false;
  }
}
