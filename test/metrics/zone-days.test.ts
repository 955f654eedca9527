// Days of a zone where clocks change: their length, their beginning, and that they follow each other without a gap.

import { describe, expect, test } from "bun:test";
import { bucketAt, bucketsOf, isTimeZone } from "../../src/metrics/zone-days.ts";

const hour = 3_600_000;

/** Lengths in hours of the days of a zone that begin in the range. */
function lengths(tz: string, fromMs: number, days: number): number[] {
  const { starts } = bucketsOf("1d", tz, fromMs, fromMs + days * 24 * hour);
  return starts.slice(1).map((start, i) => (start - (starts[i] ?? 0)) / hour);
}

describe("days of a zone", () => {
  test.each([
    ["UTC", Date.UTC(2026, 9, 24), [24, 24]],
    ["Europe/Berlin", Date.UTC(2026, 9, 23, 22), [24, 25]],
    ["Europe/Berlin", Date.UTC(2026, 2, 27, 23), [24, 23]],
    ["Australia/Lord_Howe", Date.UTC(2026, 3, 3, 13), [24, 24.5]],
    ["Australia/Lord_Howe", Date.UTC(2026, 9, 2, 13, 30), [24, 23.5]],
    ["Asia/Kathmandu", Date.UTC(2026, 5, 1, 18, 15), [24, 24]],
    // Clocks changed at midnight: a day that began at one, and one that had two hours of eleven at night.
    ["America/Sao_Paulo", Date.UTC(2018, 10, 3, 3), [24, 23]],
    ["America/Sao_Paulo", Date.UTC(2018, 1, 17, 2), [25, 24]],
    // Samoa left out the 30th of December.
    ["Pacific/Apia", Date.UTC(2011, 11, 28, 10), [24, 24]],
  ])("%s from %d", (tz, fromMs, expected) => {
    expect(lengths(tz, fromMs, 3).slice(0, 2)).toEqual(expected);
  });

  test("begin where the zone's clock shows the day's first moment", () => {
    const { starts } = bucketsOf("1d", "Asia/Kathmandu", Date.UTC(2026, 5, 1, 12), Date.UTC(2026, 5, 3));
    expect(starts.map((ms) => new Date(ms).toISOString())).toEqual([
      "2026-05-31T18:15:00.000Z",
      "2026-06-01T18:15:00.000Z",
      "2026-06-02T18:15:00.000Z",
    ]);
  });
});

describe("buckets", () => {
  const now = Date.UTC(2026, 10, 30, 12, 7);

  test.each([
    [hour, "1m", 61],
    [24 * hour, "15m", 97],
    [7 * 24 * hour, "1d", 8],
    [30 * 24 * hour, "1d", 31],
  ] as const)("of %d ms chosen automatically", (length, size, count) => {
    const buckets = bucketsOf("auto", "UTC", now - length, now);
    expect(buckets.size).toBe(size);
    expect(Math.abs(buckets.starts.length - count)).toBeLessThanOrEqual(1);
  });

  test("hours are those of the zone's clocks", () => {
    const { starts } = bucketsOf("1h", "Asia/Kathmandu", now - 3 * hour, now);
    for (const start of starts) expect(new Date(start).getUTCMinutes()).toBe(15);
    expect(starts[0]).toBeLessThanOrEqual(now - 3 * hour);
  });

  test("a list that nobody could read becomes coarser", () => {
    const { size, starts } = bucketsOf("1m", "UTC", now - 90 * 24 * hour, now);
    expect(size).toBe("1h");
    expect(starts.length).toBeLessThanOrEqual(3_000);
  });

  test("the one that holds a moment", () => {
    expect([0, 9, 10, 25, 99].map((ms) => bucketAt([0, 10, 20], ms))).toEqual([0, 0, 1, 2, 2]);
  });

  test("a word that is no zone is none", () => {
    expect(["UTC", "Europe/Berlin", "Mars/Olympus"].map(isTimeZone)).toEqual([true, true, false]);
  });
});
