// Series against a plain loop over the same records: any range, zone, bucket, grouping and filter, with rollups behind any part of them.

import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { RequestRecord } from "../../src/canon/record.ts";
import type { Grouping, RecordFilter, SeriesReport } from "../../src/metrics/query-shapes.ts";
import { answerTo } from "../../src/metrics/record-questions.ts";
import { putRollups, writeRollupPiece } from "../../src/metrics/rollup.ts";
import type { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { createStoreFixture, sampleRecord } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

/** Takes everything that is written into the rollups; `most` pieces at most. */
function rollUp(store: SqliteMetricsStore, most = 1_000): void {
  for (let i = 0; i < most; i++) {
    const piece = store.read((db) => answerTo(db, { kind: "rollup" }));
    if (piece === null || piece === undefined) return;
    expect(store.read((db) => writeRollupPiece(db, piece))).toBe(true);
  }
}

/** Makes the sums of the days that are over. */
function makeDays(store: SqliteMetricsStore): void {
  for (;;) {
    const piece = store.read((db) => answerTo(db, { kind: "rollup-day" }));
    if (piece === null) return;
    store.read((db) => putRollups(db, [piece]));
  }
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const base = Date.UTC(2026, 9, 23, 0, 0, 0);

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** Records of a few days around the end of summer time, in the order in which they ended. */
function mixed(count: number, seed: number): RequestRecord[] {
  const next = random(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const records = Array.from({ length: count }, (_, i) => {
    const failure = pick([null, null, null, "rate-limited", "cancelled", "overloaded"] as const);
    const model = pick(["a", "b", "c"]);
    const agent = pick([undefined, undefined, "agent-1", "agent-2"]);
    return sampleRecord(`r-${i}`, {
      startedAtMs: base + Math.floor(next() * 5 * day),
      durationMs: Math.floor(next() * 90_000),
      firstTokenMs: failure === null ? Math.floor(next() * 900) : null,
      tenant: pick([null, "red", "blue"]),
      client: pick([null, "cli", "ide"]),
      session: pick([null, "s1", "s2", "s3"]),
      ...(agent === undefined ? {} : { agent, parentAgent: "agent-0" }),
      ...(agent === "agent-1" ? { requestClass: pick(["main", "auxiliary"]) } : {}),
      provider: pick(["alpha", "beta"]),
      model,
      rule: pick(["one", "two", null]),
      tags: pick([[], [], ["x"], ["x", 'y"z']]),
      status: failure === null ? 200 : failure === "cancelled" ? 499 : 429,
      failure,
      costNanoUsd: pick([null, 0, Math.floor(next() * 5_000_000_000)]),
      ...(next() < 0.2 ? { listNanoUsd: pick([null, 1_234_567]) } : {}),
      ...(next() < 0.3 ? { baselineNanoUsd: Math.floor(next() * 9_000_000) } : {}),
      ...(next() < 0.3 ? { uncachedNanoUsd: Math.floor(next() * 9_000_000) } : {}),
      ...(next() < 0.2
        ? {
            cacheMiss: {
              cause: "tools" as const,
              index: 1,
              change: "changed" as const,
              missedTokens: 5,
              nanoUsd: pick([null, 777]),
            },
          }
        : {}),
    });
  });
  const ended = (record: RequestRecord) => record.startedAtMs + record.durationMs;
  return records.toSorted((a, b) => ended(a) - ended(b));
}

const outcome = ({ failure }: RequestRecord) =>
  failure === null ? "ok" : failure === "cancelled" ? "cancelled" : "failed";

function passes(record: RequestRecord, filter: RecordFilter): boolean {
  const { fromMs = 0, toMs = Infinity, status } = filter;
  if (record.startedAtMs < fromMs || record.startedAtMs >= toMs) return false;
  for (const name of ["tenant", "client", "session", "provider", "model", "rule"] as const)
    if (filter[name] !== undefined && (record[name] ?? "") !== filter[name]) return false;
  if (filter.agent !== undefined && record.agent !== filter.agent && record.parentAgent !== filter.agent)
    return false;
  if (filter.class !== undefined && (record.requestClass ?? "") !== filter.class) return false;
  if (filter.tag !== undefined && !record.tags.includes(filter.tag)) return false;
  if (filter.minNanoUsd !== undefined && (record.costNanoUsd ?? -1) < filter.minNanoUsd) return false;
  if (status === undefined) return true;
  if (/^\d/.test(status)) return String(record.status).startsWith(status.replace("xx", ""));
  return outcome(record) === status || record.failure === status;
}

const usd = (nano: number) => Math.round(nano / 1000) / 1e6;

function expectedSums(records: readonly RequestRecord[]) {
  const add = (read: (record: RequestRecord) => number | null | undefined) =>
    records.reduce((sum, record) => sum + (read(record) ?? 0), 0);
  const ok = records.filter((record) => record.failure === null);
  return {
    requests: records.length,
    failures: records.filter((record) => outcome(record) === "failed").length,
    cancelled: records.filter((record) => outcome(record) === "cancelled").length,
    input_tokens: add(({ usage }) => usage.input),
    cached_tokens: add(({ usage }) => usage.inputCached),
    output_tokens: add(({ usage }) => usage.output),
    cost_usd: usd(add(({ costNanoUsd }) => costNanoUsd)),
    unknown_cost_requests: add(({ costNanoUsd }) => (costNanoUsd === null ? 1 : 0)),
    flat_rate_requests: add(({ listNanoUsd }) => (listNanoUsd === undefined ? 0 : 1)),
    flat_rate_list_usd: usd(add(({ listNanoUsd }) => listNanoUsd)),
    without_routing_usd: usd(add(({ baselineNanoUsd, costNanoUsd }) => baselineNanoUsd ?? costNanoUsd)),
    without_cache_usd: usd(add(({ uncachedNanoUsd, costNanoUsd }) => uncachedNanoUsd ?? costNanoUsd)),
    misses: add(({ cacheMiss }) => (cacheMiss === undefined ? 0 : 1)),
    miss_usd: usd(add(({ cacheMiss }) => cacheMiss?.nanoUsd)),
    avg_latency_ms:
      ok.length === 0
        ? null
        : Math.round((ok.reduce((sum, record) => sum + record.durationMs, 0) / ok.length) * 10) / 10,
    latency_sample: ok.length,
  };
}

function groupName(record: RequestRecord, by: Grouping): string {
  if (by === "status") return record.failure ?? "ok";
  if (by === "agent" || by === "class") return (by === "agent" ? record.agent : record.requestClass) ?? "";
  return record[by] ?? "";
}

function check(report: SeriesReport, records: readonly RequestRecord[], filter: RecordFilter): void {
  const meant = records.filter((record) => passes(record, filter));
  expect(report.exact).toBe(true);
  expect(report.totals).toMatchObject(expectedSums(meant));
  const { by } = report;
  for (const group of report.groups) {
    const own = by === null ? meant : meant.filter((record) => groupName(record, by) === group.name);
    if (by === "session" && group.name === "other") continue;
    expect(group.totals).toMatchObject(expectedSums(own));
    const counts = report.buckets.map(() => 0);
    for (const { startedAtMs } of own) {
      const bucket = report.buckets.findLastIndex((start) => start <= startedAtMs);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(group.points.requests).toEqual(counts);
  }
  if (by !== null && by !== "session")
    expect(report.groups.map(({ name }) => name).toSorted()).toEqual(
      [...new Set(meant.map((record) => groupName(record, by)))].toSorted(),
    );
}

const zones = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"];
const groupings = [
  undefined,
  "tenant",
  "client",
  "session",
  "agent",
  "class",
  "provider",
  "model",
  "rule",
  "status",
] as const;
const buckets = ["auto", "total", "5m", "15m", "1h", "1d"] as const;

describe("series", () => {
  test("equal a plain loop over the records, whatever is asked and whatever is rolled up", async () => {
    const store = opened(join(place(), "clawgate.db"));
    const records = mixed(6_500, 7);
    for (const record of records.slice(0, 6_000)) store.record(record);
    await store.flush();
    rollUp(store);
    makeDays(store);
    for (const record of records.slice(6_000)) store.record(record);
    await store.flush();
    const value = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          fromMs: fc.option(fc.integer({ min: base - day, max: base + 5 * day }), { nil: undefined }),
          length: fc.integer({ min: 1, max: 6 * day }),
          tz: fc.constantFrom(...zones),
          by: fc.constantFrom(...groupings),
          bucket: fc.constantFrom(...buckets),
          tenant: value("red", ""),
          client: value("cli"),
          agent: value("agent-1", "agent-0"),
          class: value("auxiliary", ""),
          provider: value("alpha"),
          model: value("b"),
          status: value("ok", "failed", "cancelled", "429", "4xx", "rate-limited"),
          tag: value("x", 'y"z'),
          session: value("s1"),
          minNanoUsd: value(1_000_000_000),
        }),
        async ({ length, by, ...asked }) => {
          const filter = Object.fromEntries(
            Object.entries(asked).filter(([, each]) => each !== undefined),
          ) as RecordFilter;
          const range = filter.fromMs === undefined ? {} : { toMs: filter.fromMs + length };
          const report = await store.series({
            ...filter,
            ...range,
            ...(by === undefined ? {} : { by }),
            nowMs: base + 5 * day,
            tz: asked.tz,
            bucket: asked.bucket,
            limit: 1_000,
          });
          check(report, records, { ...filter, ...range });
        },
      ),
      { numRuns: 250, seed: 5 },
    );
  }, 120_000);

  const month = { fromMs: base, toMs: base + 5 * day, nowMs: base + 5 * day, bucket: "1d" } as const;

  /** Five days in the file, with the sums of the first four. */
  async function fiveDays(): Promise<readonly [SqliteMetricsStore, RequestRecord[]]> {
    const store = opened(join(place(), "clawgate.db"));
    const records = mixed(6_000, 11);
    for (const record of records) store.record(record);
    await store.flush();
    rollUp(store);
    makeDays(store);
    return [store, records];
  }

  test("whole days are read from sums of their own, in any zone and by any name", async () => {
    const [store, records] = await fiveDays();
    const before = await Promise.all(
      zones.map((tz) => store.series({ ...month, tz, by: "agent", tag: "x", limit: 1_000 })),
    );
    for (const report of before) check(report, records, { ...month, tag: "x" });
    // Nothing of the hours of the second and third day is needed: only those that the zone's midnight divides.
    store.read((db) =>
      db.run("UPDATE rollups SET data = x'00' WHERE span_ms = 3600000 AND start_ms BETWEEN ? AND ?", [
        base + day,
        base + 3 * day - 1,
      ]),
    );
    for (const [at, tz] of zones.entries()) {
      const report = await store.series({ ...month, tz, by: "agent", tag: "x", limit: 1_000 });
      expect(report).toEqual(before[at] as SeriesReport);
      // Each kind of day: without agents, with them, with all names.
      for (const by of ["model", "agent", "class"] as const)
        check(await store.series({ ...month, tz, by, limit: 1_000 }), records, month);
      for (const filter of [{ agent: "agent-0" }, { class: "main" }])
        check(await store.series({ ...month, ...filter, tz, by: "agent", limit: 1_000 }), records, {
          ...month,
          ...filter,
        });
    }
  });

  test("a day to which a late request is added counts by its hours until it is made again", async () => {
    const [store, records] = await fiveDays();
    const late = sampleRecord("late", { startedAtMs: base + day + 5 * hour, durationMs: 4 * day });
    store.record(late);
    await store.flush();
    rollUp(store);
    const all = [...records, late];
    check(await store.series({ ...month, tz: "Europe/Berlin", by: "client", limit: 1_000 }), all, month);
    const stale = (): number | undefined =>
      store.read((db) =>
        db
          .query<{ n: number }, [number]>(
            "SELECT sum(requests) AS n FROM rollups WHERE span_ms >= 86400000 AND start_ms = ?",
          )
          .get(base + day),
      )?.n;
    const known = stale() ?? 0;
    makeDays(store);
    expect(stale()).toBe(known + 3);
    check(await store.series({ ...month, tz: "Europe/Berlin", by: "client", limit: 1_000 }), all, month);
  });
});
