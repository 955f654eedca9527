// Sums by group and bucket while a series is read, from single rows and from rollups alike, and what they become in the report. Pure.

import { bucketCount, bucketOf, exactPercentile, histogramPercentile } from "./latency-histogram.ts";
import type { Grouping, SeriesPoints, Sums } from "./query-shapes.ts";
import {
  counterCount,
  counterIndex as at,
  type CountedRow,
  countRow,
  dimensionIndex,
  type DimensionName,
  latencyOf,
  namesOf,
  pointCounters,
} from "./record-counters.ts";
import { usd } from "./request-row.ts";
import type { SparseCounts } from "./rollup-bytes.ts";
import { otherNames, type RollupData } from "./rollup-data.ts";
import type { DayHours } from "./rollup-day-data.ts";

/** More groups are not kept apart while reading; a report names a thousand at most. */
const mostGroups = 2_000;
/** Percentiles of at most so many values are those of the values themselves. */
const mostValues = 2_000;

/** The column of each counter in the points; -1 for none. */
const pointColumns = Int8Array.from({ length: counterCount }, (_, counter) => pointCounters.indexOf(counter));

const amounts = ["totals", "latency", "firstToken", "points"] as const;

/** By index: the iterators of two thousand groups take longer than all the rest. */
function addTimes(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < from.length; i++) to[i] = (to[i] ?? 0) + factor * (from[i] ?? 0);
}

export class Group {
  readonly totals = new Float64Array(counterCount);
  readonly latency = new Float64Array(bucketCount);
  readonly firstToken = new Float64Array(bucketCount);
  /** Null: too many, or not all are known. */
  values: { readonly latency: number[]; readonly firstToken: number[] } | null = {
    latency: [],
    firstToken: [],
  };
  readonly points: Float64Array;

  constructor(
    readonly name: string,
    private readonly buckets: number,
  ) {
    this.points = new Float64Array(buckets * pointCounters.length);
  }

  addCounter(counter: number, bucket: number, amount: number): void {
    this.addTotal(counter, amount);
    const column = pointColumns[counter] ?? -1;
    if (column >= 0) this.addPoint(column, bucket, amount);
  }

  addTotal(counter: number, amount: number): void {
    this.totals[counter] = (this.totals[counter] ?? 0) + amount;
  }

  addPoint(column: number, bucket: number, amount: number): void {
    const place = column * this.buckets + bucket;
    this.points[place] = (this.points[place] ?? 0) + amount;
  }

  addLatency({ ms, firstTokenMs }: { readonly ms: number; readonly firstTokenMs: number | null }): void {
    count(this.latency, bucketOf(ms), 1);
    this.values?.latency.push(ms);
    if (this.values !== null && this.values.latency.length > mostValues) this.values = null;
    if (firstTokenMs === null) return;
    count(this.firstToken, bucketOf(firstTokenMs), 1);
    this.values?.firstToken.push(firstTokenMs);
  }

  /** Adds all that another group has. */
  merge(other: Group): void {
    for (const name of amounts) addTimes(this[name], other[name], 1);
    if (this.values === null || other.values === null) this.values = null;
    else {
      for (const value of other.values.latency) this.values.latency.push(value);
      for (const value of other.values.firstToken) this.values.firstToken.push(value);
    }
  }

  /** Takes away what is counted elsewhere. */
  subtract(other: Group): void {
    for (const name of amounts) addTimes(this[name], other[name], -1);
    this.values = null;
  }

  sums(): Sums {
    const of = (name: keyof typeof at): number => this.totals[at[name]] ?? 0;
    const succeeded = of("requests") - of("failures") - of("cancelled");
    const percentile = (which: "latency" | "firstToken", part: number): number | null =>
      this.values === null
        ? histogramPercentile(this[which], part)
        : exactPercentile(this.values[which], part);
    return {
      requests: of("requests"),
      failures: of("failures"),
      cancelled: of("cancelled"),
      streams: of("streams"),
      attempts: of("attempts"),
      fallbacks: of("fallbacks"),
      input_tokens: of("input"),
      cached_tokens: of("cached"),
      cache_write_tokens: of("cacheWrite"),
      output_tokens: of("output"),
      reasoning_tokens: of("reasoning"),
      cache_hit_pct: percent(of("cached"), of("input")),
      cost_usd: usd(of("cost")),
      unknown_cost_requests: of("unknownCost"),
      unknown_usage_requests: of("unknownUsage"),
      flat_rate_requests: of("flatRequests"),
      flat_rate_list_usd: usd(of("flatList")),
      without_routing_usd: usd(of("withoutRouting")),
      without_cache_usd: usd(of("withoutCache")),
      miss_usd: usd(of("missCost")),
      misses: of("misses"),
      avg_latency_ms: mean(of("durationMs"), succeeded),
      p50_latency_ms: percentile("latency", 0.5),
      p95_latency_ms: percentile("latency", 0.95),
      p50_first_token_ms: percentile("firstToken", 0.5),
      p95_first_token_ms: percentile("firstToken", 0.95),
      latency_sample: succeeded,
    };
  }

  shownPoints(): SeriesPoints {
    const column = (counter: number): number[] => {
      const from = pointCounters.indexOf(counter) * this.buckets;
      return [...this.points.subarray(from, from + this.buckets)];
    };
    const [requests, failures, cancelled] = [column(at.requests), column(at.failures), column(at.cancelled)];
    return {
      requests,
      failures,
      input_tokens: column(at.input),
      cached_tokens: column(at.cached),
      output_tokens: column(at.output),
      cost_usd: column(at.cost).map(usd),
      avg_latency_ms: column(at.durationMs).map((total, i) =>
        mean(total, (requests[i] ?? 0) - (failures[i] ?? 0) - (cancelled[i] ?? 0)),
      ),
    };
  }
}

const count = (counts: Float64Array, bucket: number, amount: number): void => {
  counts[bucket] = (counts[bucket] ?? 0) + amount;
};
const round1 = (value: number) => Math.round(value * 10) / 10;
const mean = (total: number, of: number) => (of === 0 ? null : round1(total / of));
export const percent = (part: number, of: number) => (of === 0 ? 0 : round1((100 * part) / of));

/** What a request counts as in a list by status: "ok", or the kind of its failure. Each is also a `status` to filter by. */
const statusName = (failure: string): string => (failure === "" ? "ok" : failure);

function dimensionsOf(by: Grouping): readonly DimensionName[] {
  if (by === "session") return [];
  return [by === "status" ? "failure" : by];
}

export type SumPart = "all" | "points";

export class GroupedSums {
  readonly groups = new Map<string, Group>();
  private readonly scratch = new Float64Array(counterCount);
  private readonly dimensions: readonly number[];

  constructor(
    readonly by: Grouping | readonly DimensionName[] | undefined,
    private readonly buckets: number,
    /** False: nobody asks for the percentiles. */
    private readonly hasLatencies = true,
  ) {
    const names = typeof by === "string" ? dimensionsOf(by) : (by ?? []);
    this.dimensions = names.map((name) => dimensionIndex[name]);
  }

  /** Whether names that are to be told apart are not. */
  isCutIn({ dimensions }: RollupData): boolean {
    return this.dimensions.some((at) => dimensions[at]?.isCut === true);
  }

  /** One request; `part` "points": only its share in the chart, because the rest is counted already. */
  addRow(row: CountedRow, bucket: number, part: SumPart = "all"): void {
    const names = this.dimensions.length === 0 ? [] : namesOf(row);
    const group = this.groupOf(this.dimensions.map((at) => names[at] ?? "").join("\n"));
    countRow(row, this.scratch);
    if (part === "points") {
      for (const [column, counter] of pointCounters.entries())
        group.addPoint(column, bucket, this.scratch[counter] ?? 0);
      return;
    }
    for (let i = 0; i < counterCount; i++) {
      const amount = this.scratch[i] ?? 0;
      if (amount !== 0) group.addCounter(i, bucket, amount);
    }
    const latency = latencyOf(row);
    if (latency !== null) group.addLatency(latency);
  }

  /** The sums of one span, all of them in one bucket; null: those of the time as a whole, without their share in the chart. */
  addRollup(data: RollupData, mask: Uint8Array | null, bucket: number | null): void {
    if (this.dimensions.length === 0) {
      addWhole(data, mask, { group: this.groupOf(""), bucket });
      return;
    }
    const { groups, cells } = this.cellGroups(data, mask);
    for (const group of groups) group.values = null;
    for (let counter = 0; counter < counterCount; counter++) {
      const column = data.counter(counter);
      if (column === null) continue;
      for (let cell = 0; cell < data.cells; cell++) {
        const amount = column[cell] ?? 0;
        if (amount === 0) continue;
        if (bucket === null) cells[cell]?.addTotal(counter, amount);
        else cells[cell]?.addCounter(counter, bucket, amount);
      }
    }
    if (!this.hasLatencies) return;
    addSparse(data.latency(), cells, "latency");
    addSparse(data.firstToken(), cells, "firstToken");
  }

  /** Only the share in the chart, all of it in one bucket. */
  addPoints(data: RollupData, mask: Uint8Array | null, bucket: number): void {
    const { cells } = this.cellGroups(data, mask);
    for (const [column, counter] of pointCounters.entries()) {
      const amounts = data.counter(counter);
      if (amounts === null) continue;
      for (let cell = 0; cell < data.cells; cell++) cells[cell]?.addPoint(column, bucket, amounts[cell] ?? 0);
    }
  }

  /** A day: its sums, and of its hours the shares in the chart; `bucketOfHour` -1: that hour is counted elsewhere. */
  addDay(
    data: RollupData,
    mask: Uint8Array | null,
    { hours, bucketOfHour }: { readonly hours: DayHours; readonly bucketOfHour: Int32Array },
  ): void {
    this.addRollup(data, mask, null);
    const { cells } = this.cellGroups(data, mask);
    for (const [hour, bucket] of bucketOfHour.entries()) {
      if (bucket < 0) continue;
      const [from, to] = [hours.starts[hour] ?? 0, hours.starts[hour + 1] ?? 0];
      for (const [column, amounts] of hours.columns.entries()) {
        if (amounts === null) continue;
        for (let i = from; i < to; i++) {
          const group = cells[hours.cells[i] ?? 0];
          if (group !== null && group !== undefined) group.addPoint(column, bucket, amounts[i] ?? 0);
        }
      }
    }
  }

  /** The group of each cell; null where the filter does not let it through. */
  private cellGroups(data: RollupData, mask: Uint8Array | null) {
    const parts = this.dimensions.map((at) => data.dimensions[at]);
    const groups = new Map<number, Group>();
    const cells = Array.from({ length: data.cells }, (_, cell) => {
      if (mask !== null && mask[cell] !== 1) return null;
      let key = 0;
      for (const part of parts) key = key * (part?.names.length ?? 1) + (part?.of[cell] ?? 0);
      let group = groups.get(key);
      if (group === undefined) {
        group = this.groupOf(parts.map((part) => part?.names[part.of[cell] ?? 0] ?? "").join("\n"));
        groups.set(key, group);
      }
      return group;
    });
    return { groups: [...groups.values()], cells };
  }

  /** The sum of all groups. */
  all(): Group {
    const all = new Group("", this.buckets);
    for (const group of this.groups.values()) all.merge(group);
    return all;
  }

  /** The most expensive first, those behind `limit` as one. */
  ordered(limit: number): Group[] {
    const cost = (group: Group) => group.totals[at.cost] ?? 0;
    const requests = (group: Group) => group.totals[at.requests] ?? 0;
    const sorted = [...this.groups.values()].toSorted(
      (a, b) => cost(b) - cost(a) || requests(b) - requests(a) || (a.name < b.name ? -1 : 1),
    );
    const other = sorted.find(({ name }) => name === otherNames);
    const named = sorted.filter((group) => group !== other);
    const rest = named.splice(limit);
    if (other !== undefined) rest.unshift(other);
    if (rest.length === 0) return named;
    const together = new Group(otherNames, this.buckets);
    for (const group of rest) together.merge(group);
    return [...named, together];
  }

  private groupOf(value: string): Group {
    const name = this.by === "status" ? statusName(value) : value;
    let group = this.groups.get(name);
    if (group === undefined) {
      if (this.groups.size >= mostGroups && name !== otherNames) return this.groupOf(otherNames);
      group = new Group(name, this.buckets);
      this.groups.set(name, group);
    }
    return group;
  }
}

/** Most charts have one line: then a column is one sum. */
function addWhole(
  data: RollupData,
  mask: Uint8Array | null,
  { group, bucket }: { readonly group: Group; readonly bucket: number | null },
): void {
  group.values = null;
  for (let counter = 0; counter < counterCount; counter++) {
    const column = data.counter(counter);
    if (column === null) continue;
    if (bucket === null) group.addTotal(counter, sumOf(column, mask));
    else group.addCounter(counter, bucket, sumOf(column, mask));
  }
  for (const [from, to] of [
    [data.latency(), group.latency],
    [data.firstToken(), group.firstToken],
  ] as const)
    for (let i = 0; i < from.cells.length; i++)
      if (mask === null || mask[from.cells[i] ?? 0] === 1)
        count(to, from.buckets[i] ?? 0, from.counts[i] ?? 0);
}

function sumOf(column: ArrayLike<number>, mask: Uint8Array | null): number {
  let sum = 0;
  for (let i = 0; i < column.length; i++) if (mask === null || mask[i] === 1) sum += column[i] ?? 0;
  return sum;
}

function addSparse(from: SparseCounts, cells: readonly (Group | null)[], to: "latency" | "firstToken"): void {
  for (let i = 0; i < from.cells.length; i++) {
    const group = cells[from.cells[i] ?? 0];
    if (group !== null && group !== undefined) count(group[to], from.buckets[i] ?? 0, from.counts[i] ?? 0);
  }
}
