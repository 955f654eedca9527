// The reports on records: a query becomes the store's question, and one whose answer would be too large is refused.

import { describe, expect, test } from "bun:test";
import { disabledMetricsStore } from "../../../src/metrics/disabled-metrics-store.ts";
import type { RecordQueries, RequestsPage, SeriesReport } from "../../../src/metrics/query-shapes.ts";
import { RecordReports } from "../../../src/operator/reports/record-reports.ts";

const nowMs = Date.UTC(2026, 10, 30, 12);

function reports() {
  const asked: object[] = [];
  const store: RecordQueries = {
    ...disabledMetricsStore(),
    series: async (query) => (asked.push(query), {} as SeriesReport),
    requests: async (query) => (asked.push(query), {} as RequestsPage),
    request: async () => null,
    session: async (id, query) => (asked.push({ id, ...query }), null),
    waste: async (query) => (asked.push({ waste: query }), []),
  };
  return { asked, reports: new RecordReports(store, () => nowMs) };
}

const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("a series", () => {
  test("is asked for in the viewer's zone, with what the query adds", async () => {
    const { asked, reports: records } = reports();
    const answer = await records.series(
      query("from=now-7d&tz=Asia/Tokyo&bucket=1d&by=tenant&limit=5&previous=1&waste=1&model=m"),
    );
    const filter = { fromMs: nowMs - 7 * 86_400_000, model: "m", nowMs };
    expect(asked).toEqual([
      { ...filter, tz: "Asia/Tokyo", bucket: "1d", by: "tenant", limit: 5, withPrevious: true },
      { waste: filter },
    ]);
    expect(answer.waste).toEqual([]);
    expect("waste" in (await records.series(query("from=now-1h")))).toBe(false);
  });

  test.each([
    ["bucket=1m&from=now-30d", "43200 steps"],
    ["bucket=5m", "from is needed"],
    ["bucket=1h&from=2000-01-01", "steps of this time"],
  ])("%s is too long and refused", async (text, words) => {
    expect(await reports().reports.series(query(text)).catch(String)).toContain(words);
  });

  test("a day's minutes and a year's days are not too many", async () => {
    const { reports: records } = reports();
    await records.series(query("bucket=1m&from=now-1d"));
    await records.series(query("bucket=1d&from=now-365d"));
    await records.series(query("bucket=1d"));
  });
});

test("a page goes on from its cursor; a session is looked for within its tenant", async () => {
  const { asked, reports: records } = reports();
  await records.requests(query("status=failed&limit=3&cursor=77"));
  await records.session("a b", query("tenant=t&cursor=9"));
  expect(asked).toEqual([
    { status: "failed", limit: 3, cursor: "77" },
    { id: "a b", tenant: "t", cursor: "9" },
  ]);
});

test("names that are too long are not looked for", async () => {
  const { asked, reports: records } = reports();
  expect(await records.session("s".repeat(301), query(""))).toBeNull();
  expect(await records.request("r".repeat(301))).toBeNull();
  expect(asked).toEqual([]);
});
