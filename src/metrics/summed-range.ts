// Adds up the requests of a time: whole hours and quarters of hours from the rollups, what lies at the edges and what is newer than
// the rollups from the rows. Every request counts exactly once. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type Deadline, isOver, readCountedRows, type RowRange } from "./counted-rows.ts";
import type { GroupedSums } from "./group-sums.ts";
import type { RecordFilter } from "./query-shapes.ts";
import { isSummable, matchCells, rowConditions } from "./record-filter.ts";
import { hourMs, hourRollups, quarterRollups, rolledUpTo, rollupData, type RollupRow } from "./rollup.ts";
import { bucketAt } from "./zone-days.ts";

export type SummedRange = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly filter: RecordFilter;
  /** The beginnings of the buckets. */
  readonly starts: readonly number[];
  readonly deadline: Deadline;
};

/** So few requests are read one by one: then even their percentiles are exact. */
const fewRequests = 5_000;

const everyId = { firstId: 0, lastId: Number.MAX_SAFE_INTEGER };

export class RangeSummation {
  private isExact = true;
  private readonly oldestId: number;

  constructor(
    private readonly db: SqliteDatabase,
    private readonly range: SummedRange,
    private readonly sums: GroupedSums,
  ) {
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
    const isComplete = hours.every((hour) => hour.first_id >= this.oldestId);
    const requests = hours.reduce((sum, hour) => sum + hour.requests, 0);
    if (!isSummable(filter) || (isComplete && requests <= fewRequests)) {
      if (!isComplete) this.isExact = false;
      this.addRowsOf(hours, last);
    } else for (const hour of hours) this.addHour(hour);
    return this.isExact;
  }

  /** The hours' rows, in as few passes as their numbers allow: hours overlap where requests were long. */
  private addRowsOf(hours: readonly RollupRow[], last: number): void {
    if (hours.length === 0) return;
    const firstId = Math.min(...hours.map((hour) => hour.first_id));
    const lastId = Math.min(last, Math.max(...hours.map((hour) => hour.last_id)));
    this.addRows({ firstId, lastId }, this.range.fromMs, this.range.toMs);
  }

  private addHour(hour: RollupRow): void {
    if (this.addWhole(hour)) return;
    const { fromMs, toMs } = this.range;
    const quarters = quarterRollups(this.db, hour.start_ms, hour.start_ms + hourMs);
    const known = quarters.reduce((sum, quarter) => sum + quarter.requests, 0);
    // Quarters go with the rows of their time; the hours stay.
    if (known !== hour.requests) {
      this.addEdge(hour);
      return;
    }
    for (const quarter of quarters)
      if (quarter.last_ms >= fromMs && quarter.first_ms < toMs && !this.addWhole(quarter))
        this.addEdge(quarter);
  }

  /** True: all its requests belong to one bucket, and were added; or none belongs to the range. */
  private addWhole(rollup: RollupRow): boolean {
    const { fromMs, toMs, starts } = this.range;
    if (rollup.last_ms < fromMs || rollup.first_ms >= toMs) return true;
    if (rollup.first_ms < fromMs || rollup.last_ms >= toMs) return false;
    const bucket = bucketAt(starts, rollup.first_ms);
    if (bucketAt(starts, rollup.last_ms) !== bucket) return false;
    this.addSums(rollup, bucket);
    return true;
  }

  private addSums({ span_ms, start_ms }: RollupRow, bucket: number): void {
    const data = rollupData(this.db, span_ms, start_ms);
    if (data === null) return;
    const { mask, matched, isCut } = matchCells(data, this.range.filter);
    if (isCut) this.isExact = false;
    if (matched > 0) this.sums.addRollup(data, mask, bucket);
  }

  private addEdge(rollup: RollupRow): void {
    const { fromMs, toMs, starts } = this.range;
    const endMs = rollup.start_ms + rollup.span_ms;
    if (rollup.first_id < this.oldestId) {
      // Its rows were deleted: all of it counts where its middle is.
      this.isExact = false;
      const middleMs = (rollup.first_ms + rollup.last_ms) / 2;
      if (middleMs >= fromMs && middleMs < toMs) this.addSums(rollup, bucketAt(starts, middleMs));
      return;
    }
    this.addRows(
      { firstId: rollup.first_id, lastId: rollup.last_id },
      Math.max(fromMs, rollup.start_ms),
      Math.min(toMs, endMs),
    );
  }

  private addRows(ids: Pick<RowRange, "firstId" | "lastId">, fromMs: number, toMs: number): void {
    const { filter, starts, deadline } = this.range;
    if (isOver(deadline)) {
      this.isExact = false;
      return;
    }
    const row = (each: Parameters<GroupedSums["addRow"]>[0]): void =>
      this.sums.addRow(each, bucketAt(starts, each[1]));
    const range = { ...ids, fromMs, toMs };
    if (!readCountedRows(this.db, range, rowConditions(filter), { deadline, row })) this.isExact = false;
  }
}
