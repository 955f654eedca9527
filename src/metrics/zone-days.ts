// Where the days of a time zone begin, and the buckets of a chart in that zone. A day has 23 to 25 hours where clocks change, and some
// zones change them at midnight, or by half an hour. Pure.

import { LRUCache } from "lru-cache";
import type { BucketSize } from "./query-shapes.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 20 });

function formatOf(tz: string): Intl.DateTimeFormat {
  let format = formats.get(tz);
  if (format === undefined) {
    const parts = {
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    } as const;
    format = new Intl.DateTimeFormat("en-US", {
      ...parts,
      second: "numeric",
      era: "short",
      hourCycle: "h23",
      timeZone: tz,
    });
    formats.set(tz, format);
  }
  return format;
}

/** False for a name that is no time zone. */
export function isTimeZone(tz: string): boolean {
  try {
    formatOf(tz);
    return true;
  } catch {
    return false;
  }
}

/** What a clock in the zone shows, as if it were UTC. */
function wallMs(tz: string, ms: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatOf(tz).formatToParts(ms)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
}

const dateOf = (tz: string, ms: number): number => Math.floor(wallMs(tz, ms) / dayMs);

/** The first moment of the `date`th day since 1970 of the zone; null if the zone left that day out. */
function startOfDate(tz: string, date: number): number | null {
  const midnight = date * dayMs;
  const offsets = [-dayMs, 0, dayMs].map((shift) => wallMs(tz, midnight + shift) - (midnight + shift));
  const starts = offsets
    .map((offset) => midnight - offset)
    .filter((start) => dateOf(tz, start) === date && dateOf(tz, start - 1) < date);
  return starts.length === 0 ? null : Math.min(...starts);
}

/** The beginning of the zone's day that holds this moment. */
function dayStart(tz: string, ms: number): number {
  for (let date = dateOf(tz, ms); ; date--) {
    const start = startOfDate(tz, date);
    if (start !== null && start <= ms) return start;
  }
}

/** The beginnings of the zone's days from the one that holds `fromMs` to the last one before `toMs`. */
function dayStarts(tz: string, fromMs: number, toMs: number): number[] {
  const first = dayStart(tz, fromMs);
  const starts = [first];
  for (let date = dateOf(tz, first) + 1; ; date++) {
    const start = startOfDate(tz, date);
    // A day that was left out: the search ends only well behind the end.
    if (start === null ? date * dayMs > toMs + 2 * dayMs : start >= toMs) return starts;
    if (start !== null) starts.push(start);
  }
}

const sizes = { "1m": minuteMs, "5m": 5 * minuteMs, "15m": 15 * minuteMs, "1h": 60 * minuteMs } as const;
const automatic = ["1m", "5m", "15m", "1h"] as const;
const mostAutomatic = 120;
/** Longer lists say nothing in a chart; a finer size is taken as the next coarser one. */
const mostBuckets = 3_000;

export type Buckets = {
  readonly size: Exclude<BucketSize, "auto">;
  /** The first one may begin before the range does. */
  readonly starts: readonly number[];
};

function fits(size: keyof typeof sizes, lengthMs: number, most: number): boolean {
  return lengthMs / sizes[size] <= most;
}

export function bucketsOf(wanted: BucketSize, tz: string, fromMs: number, toMs: number): Buckets {
  const lengthMs = toMs - fromMs;
  if (wanted === "total" || lengthMs <= 0)
    return { size: wanted === "auto" ? "total" : wanted, starts: [fromMs] };
  const most = wanted === "auto" ? mostAutomatic : mostBuckets;
  const from = wanted === "auto" || wanted === "1d" ? 0 : automatic.indexOf(wanted);
  const size = wanted === "1d" ? undefined : automatic.slice(from).find((each) => fits(each, lengthMs, most));
  if (size === undefined) {
    if (lengthMs / dayMs > mostBuckets) return { size: "total", starts: [fromMs] };
    return { size: "1d", starts: dayStarts(tz, fromMs, toMs) };
  }
  const step = sizes[size];
  const days = dayStarts(tz, fromMs, toMs);
  const starts: number[] = [];
  // Counted from the beginning of each day, so that hours are those of the zone's clocks.
  for (const [at, start] of days.entries()) {
    const end = Math.min(days[at + 1] ?? toMs, toMs);
    const skipped = Math.max(0, Math.floor((fromMs - start) / step));
    for (let ms = start + skipped * step; ms < end; ms += step) starts.push(ms);
  }
  return { size, starts };
}

/** The place of the bucket that holds the moment: the last one that begins at or before it. */
export function bucketAt(starts: readonly number[], ms: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? Infinity) <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}
