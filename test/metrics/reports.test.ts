// The shapes of /api/stats and /api/recent, held to ClawGate's own, and the numbers in them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { snakeCased } from "../../src/metrics/snake-case.ts";
import { disabledMetricsStore } from "../../src/metrics/disabled-metrics-store.ts";
import type { RecentQuery } from "../../src/metrics/metrics-store.ts";
import type { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { unknownUsage } from "../../src/canon/usage.ts";
import { noonMs, sampleAttempt, sampleRecord, temporaryFolder, testStore } from "./samples.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: SqliteMetricsStore;

beforeEach(() => {
  folder = temporaryFolder();
  store = testStore(join(folder.path, "clawgate.db"));
});

afterEach(async () => {
  await store.close();
  folder.remove();
});

const failedAttempt = sampleAttempt({
  provider: "beta",
  model: "beta-1",
  outcome: "failed",
  status: 503,
  failure: "overloaded",
  message: "busy",
  maybeBilled: true,
});

const unknownUsageShown = {
  input: null,
  input_uncached: null,
  input_cached: null,
  input_cache_write: null,
  output: null,
  output_reasoning: null,
};

/** One of each: plain, fallen back, failed, cancelled, refused before any attempt. */
function recordFive(): void {
  store.record(sampleRecord("plain", { tenant: "red" }));
  store.record(
    sampleRecord("fallen-back", {
      stream: true,
      attempts: [failedAttempt, sampleAttempt()],
      durationMs: 300,
      firstTokenMs: 80,
      layer: "fallback",
      rule: "no-match",
      costNanoUsd: null,
    }),
  );
  store.record(
    sampleRecord("failed", {
      attempts: [failedAttempt],
      provider: null,
      model: null,
      upstreamModel: null,
      usage: unknownUsage,
      costNanoUsd: null,
      status: 503,
      finish: null,
      failure: "overloaded",
      error: "busy",
      durationMs: 1,
    }),
  );
  store.record(
    sampleRecord("cancelled", {
      failure: "cancelled",
      status: 499,
      finish: null,
      attempts: [sampleAttempt({ outcome: "cancelled" })],
    }),
  );
  store.record(
    sampleRecord("refused", {
      attempts: [],
      provider: null,
      model: null,
      layer: null,
      rule: null,
      usage: unknownUsage,
      costNanoUsd: null,
      status: 400,
      finish: null,
      failure: "invalid-request",
      error: "no",
    }),
  );
}

describe("stats", () => {
  test("has ClawGate's fields in ClawGate's order, and ours behind them", async () => {
    recordFive();
    const report = await store.stats({ nowMs: noonMs });
    expect(Object.keys(report)).toEqual([
      "totals",
      "providers",
      "routing",
      "hourly",
      "daily",
      "models",
      "database",
    ]);
    expect(Object.keys(report.totals).slice(0, 11)).toEqual([
      "total_requests",
      "total_failures",
      "total_prompt_tokens",
      "total_compl_tokens",
      "total_cache_hit",
      "total_cache_miss",
      "cache_hit_pct",
      "total_cost_usd",
      "avg_latency_ms",
      "first_request",
      "last_request",
    ]);
    expect(Object.keys(report.providers[0] ?? {}).slice(0, 11)).toEqual([
      "provider",
      "requests",
      "failures",
      "prompt_tokens",
      "compl_tokens",
      "total_tokens",
      "cache_hit_tokens",
      "cache_miss_tokens",
      "cache_hit_pct",
      "cost_usd",
      "avg_latency_ms",
    ]);
    expect(Object.keys(report.routing[0] ?? {})).toEqual([
      "layer",
      "rule_name",
      "provider",
      "requests",
      "cost_usd",
      "avg_latency_ms",
    ]);
    expect(Object.keys(report.hourly[0] ?? {}).slice(0, 4)).toEqual([
      "hour_offset",
      "requests",
      "cost_usd",
      "tokens",
    ]);
    expect(Object.keys(report.daily[0] ?? {})).toEqual(["day", "requests", "cost_usd", "tokens", "failures"]);
  });

  test("counts requests, not attempts; failures of a provider are its failed attempts", async () => {
    recordFive();
    const { totals, providers, models, routing, hourly, daily, database } = await store.stats({
      nowMs: noonMs,
    });
    expect(totals).toEqual({
      total_requests: 5,
      total_failures: 2,
      total_prompt_tokens: 3000,
      total_compl_tokens: 150,
      total_cache_hit: 1200,
      total_cache_miss: 1800,
      cache_hit_pct: 40,
      total_cost_usd: 0.005,
      avg_latency_ms: 200,
      first_request: noonMs / 1000,
      last_request: noonMs / 1000,
      total_cancelled: 1,
      total_attempts: 5,
      total_fallbacks: 1,
      total_streams: 1,
      total_reasoning_tokens: 30,
      total_cache_write: 0,
      unknown_cost_requests: 2,
      unknown_usage_requests: 1,
      avg_first_token_ms: 60,
      p50_latency_ms: 100,
      p95_latency_ms: 300,
      p50_first_token_ms: 40,
      p95_first_token_ms: 80,
      latency_sample: 2,
    });
    expect(
      providers.map(({ provider, requests, failures, attempts }) => [provider, requests, failures, attempts]),
    ).toEqual([
      ["alpha", 3, 0, 3],
      ["beta", 1, 2, 2],
    ]);
    expect(providers[1]).toMatchObject({ maybe_billed: 2, avg_latency_ms: 0, unknown_cost_requests: 1 });
    expect(models.map(({ provider, model, requests }) => [provider, model, requests])).toEqual([
      ["alpha", "alpha-1", 3],
      ["beta", "beta-1", 1],
    ]);
    expect(routing).toEqual([
      {
        layer: "fallback",
        rule_name: "no-match",
        provider: "alpha",
        requests: 1,
        cost_usd: 0,
        avg_latency_ms: 300,
      },
      {
        layer: "static",
        rule_name: "coding",
        provider: "alpha",
        requests: 1,
        cost_usd: 0.0025,
        avg_latency_ms: 100,
      },
    ]);
    expect(hourly).toEqual([
      { hour_offset: 23, requests: 5, cost_usd: 0.005, tokens: 3150, failures: 2, started_at: noonMs / 1000 },
    ]);
    expect(daily).toEqual([{ day: "2026-11-21", requests: 5, cost_usd: 0.005, tokens: 3150, failures: 2 }]);
    expect(database).toMatchObject({ state: "ok", written: 5, dropped: 0 });
  });

  test("puts old requests into their hour and day, and nothing older than the window", async () => {
    const hourMs = 3_600_000;
    for (const hours of [0, 1, 23, 24, 29 * 24, 40 * 24])
      store.record(sampleRecord(`h${hours}`, { startedAtMs: noonMs - hours * hourMs }));
    const { hourly, daily, totals } = await store.stats({ nowMs: noonMs });
    expect(hourly.map((row) => row.hour_offset)).toEqual([0, 22, 23]);
    expect(daily.map((row) => [row.day, row.requests])).toEqual([
      ["2026-10-23", 1],
      ["2026-11-20", 2],
      ["2026-11-21", 2],
    ]);
    expect(totals.total_requests).toBe(6);
    expect(totals.first_request).toBe((noonMs - 40 * 24 * hourMs) / 1000);
  });

  test("can be asked for one tenant", async () => {
    recordFive();
    const { totals, providers } = await store.stats({ nowMs: noonMs, tenant: "red" });
    expect(totals).toMatchObject({ total_requests: 1, total_failures: 0, latency_sample: 1 });
    expect(providers).toHaveLength(1);
    expect(providers[0]).toMatchObject({ provider: "alpha", attempts: 1 });
  });

  test("is all zeros and nulls when nothing was recorded, and says so when nothing is kept", async () => {
    const empty = await store.stats({ nowMs: noonMs });
    expect(empty.totals).toMatchObject({
      total_requests: 0,
      cache_hit_pct: 0,
      first_request: null,
      p95_latency_ms: null,
    });
    expect([empty.providers, empty.routing, empty.hourly, empty.daily, empty.models]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
    const off = await disabledMetricsStore().stats({ nowMs: noonMs });
    expect(off.totals).toEqual(empty.totals);
    expect(off.database.state).toBe("disabled");
  });
});

describe("recent", () => {
  test("has ClawGate's columns first and ours behind them", async () => {
    recordFive();
    const [newest] = await store.recent({});
    expect(Object.keys(newest ?? {}).slice(0, 14)).toEqual([
      "id",
      "timestamp",
      "provider",
      "model",
      "layer",
      "rule_name",
      "prompt_tok",
      "compl_tok",
      "cache_hit",
      "cache_miss",
      "cost_usd",
      "latency_ms",
      "success",
      "error",
    ]);
  });

  test("gives back what was recorded", async () => {
    const record = sampleRecord("one", {
      tenant: "red",
      keyId: "k1",
      session: "s",
      agent: "a1",
      parentAgent: "a0",
      tags: ["a", "b"],
      stream: true,
    });
    store.record(record);
    const [row] = await store.recent({ limit: 1 });
    expect(row).toEqual({
      id: 1,
      timestamp: noonMs / 1000,
      provider: "alpha",
      model: "alpha-1",
      layer: "static",
      rule_name: "coding",
      prompt_tok: 1000,
      compl_tok: 50,
      cache_hit: 400,
      cache_miss: 600,
      cost_usd: 0.0025,
      latency_ms: 100,
      success: 1,
      error: "",
      request_id: "one",
      tenant: "red",
      key_id: "k1",
      session: "s",
      agent: "a1",
      parent_agent: "a0",
      class: null,
      door: "chat",
      client: "openai-node",
      tags: ["a", "b"],
      requested_model: "auto",
      upstream_model: "alpha-1-2026",
      stream: true,
      status: 200,
      finish: "stop",
      failure: null,
      confidence: 0.75,
      reason: "keyword",
      candidates: record.candidates,
      facts: { tokens: 12 },
      attempts: record.attempts.map(snakeCased),
      queue_wait_ms: 0,
      overhead_ms: 0.432,
      first_token_ms: 40,
      usage: {
        input: 1000,
        input_uncached: 600,
        input_cached: 400,
        input_cache_write: 0,
        output: 50,
        output_reasoning: 10,
      },
      list_usd: null,
      baseline_usd: null,
      uncached_usd: null,
      cost_parts: null,
      missed_cache: null,
      tool_calls: [],
    });
  });

  test("keeps unlike requests apart, in whatever order they come", async () => {
    for (let i = 0; i < 60; i++) {
      const provider = ["alpha", "beta", "gamma"][i % 3] ?? "";
      const attempts = [sampleAttempt({ provider, outcome: i % 2 === 0 ? "ok" : "failed" })];
      store.record(sampleRecord(`r-${i}`, { provider, attempts, tenant: i % 4 === 0 ? "red" : null }));
    }
    const { providers } = await store.stats({ nowMs: noonMs });
    expect(
      providers.map(({ provider, requests, failures, attempts }) => [provider, requests, failures, attempts]),
    ).toEqual([
      ["alpha", 20, 10, 20],
      ["beta", 20, 10, 20],
      ["gamma", 20, 10, 20],
    ]);
    const { totals } = await store.stats({ nowMs: noonMs, tenant: "red" });
    expect(totals).toMatchObject({ total_requests: 15, total_attempts: 15, total_prompt_tokens: 15_000 });
  });

  test("leaves out what is too long to keep, and stays readable", async () => {
    const attempts = Array.from({ length: 400 }, (_, i) => sampleAttempt({ waitMs: i }));
    store.record(sampleRecord("long", { attempts, facts: { text: "x".repeat(40_000) } }));
    const [row] = await store.recent({});
    expect(row).toMatchObject({ facts: null, candidates: [], reason: "keyword" });
    expect(row?.attempts).toEqual(attempts.slice(-20).map(snakeCased));
  });

  test("gives back a failed attempt as it was, and a request that says nothing", async () => {
    const attempts = [failedAttempt, sampleAttempt({ startedAtMs: noonMs + 7, headersMs: null })];
    store.record(sampleRecord("two", { attempts }));
    store.record(
      sampleRecord("bare", {
        attempts: [],
        candidates: [],
        facts: null,
        reason: null,
        rule: null,
        layer: null,
        confidence: null,
        client: null,
        provider: null,
        model: null,
        upstreamModel: null,
        overheadMs: null,
        firstTokenMs: null,
        finish: null,
        costNanoUsd: null,
        usage: unknownUsage,
      }),
    );
    const [bare, two] = await store.recent({});
    expect(two?.attempts).toEqual(attempts.map(snakeCased));
    expect(bare).toMatchObject({
      model: "",
      rule_name: "",
      reason: null,
      facts: null,
      candidates: [],
      confidence: null,
      client: null,
      upstream_model: null,
      overhead_ms: null,
      finish: null,
      attempts: [],
      usage: unknownUsageShown,
    });
  });

  test("names who was tried last when nobody answered, and an unknown cost is null", async () => {
    recordFive();
    const rows = await store.recent({});
    expect(rows.map((row) => row.request_id)).toEqual([
      "refused",
      "cancelled",
      "failed",
      "fallen-back",
      "plain",
    ]);
    expect(rows[2]).toMatchObject({
      provider: "beta",
      model: "beta-1",
      success: 0,
      error: "busy",
      cost_usd: null,
    });
    expect(rows[0]).toMatchObject({ provider: "", layer: "", prompt_tok: 0, failure: "invalid-request" });
  });

  test("filters, and pages backwards", async () => {
    recordFive();
    const ids = async (question: RecentQuery) => (await store.recent(question)).map((row) => row.request_id);
    expect(await ids({ provider: "beta" })).toEqual(["failed"]);
    expect(await ids({ failure: true })).toEqual(["refused", "cancelled", "failed"]);
    expect(await ids({ failure: "cancelled" })).toEqual(["cancelled"]);
    expect(await ids({ tenant: "red" })).toEqual(["plain"]);
    expect(await ids({ layer: "fallback" })).toEqual(["fallen-back"]);
    expect(await ids({ limit: 2 })).toEqual(["refused", "cancelled"]);
    expect(await ids({ limit: 2, before: 4 })).toEqual(["failed", "fallen-back"]);
    expect(await ids({ limit: -5 })).toEqual(["refused"]);
    expect(await ids({ limit: Number.NaN })).toHaveLength(5);
  });

  test("uses an index for a tenant and for failures", () => {
    const plan = (where: string) =>
      store.read((db) =>
        db
          .query<{ detail: string }, []>(
            `EXPLAIN QUERY PLAN SELECT * FROM request_records WHERE ${where} ORDER BY id DESC LIMIT 50`,
          )
          .all()
          .map((row) => row.detail)
          .join("; "),
      );
    expect(plan("tenant = 'x' AND id < 9")).toContain("INDEX request_records_tenant");
    expect(plan("id < 9 AND failure IS NOT NULL")).toContain("INDEX request_records_failed");
  });

  test("finds the rare ones of a provider and of a layer without an index, in the rollups' hours and after them", async () => {
    const rows = 4_000;
    const record = (i: number): void => {
      const isRare = i % 397 === 0;
      const [provider, layer] = [
        isRare ? "rare" : "alpha",
        i % 509 === 0 ? "llm-classify" : "static",
      ] as const;
      const startedAtMs = noonMs - (rows - i) * 300_000;
      store.record(
        sampleRecord(`r-${i}`, { provider, layer, startedAtMs, tenant: i % 2 === 0 ? "red" : null }),
      );
    };
    for (let i = 0; i < rows; i++) {
      record(i);
      if (i % 1_000 === 0) await store.flush();
    }
    // A report on sessions takes what is there into the rollups; what comes later is in none yet.
    await store.sessions({});
    for (let i = rows; i < rows + 600; i++) record(i);
    await store.flush();
    expect(store.read((db) => db.query("SELECT last_id > 0 AS n FROM rolled_up").get())).toEqual({ n: 1 });
    const ids = async (question: RecentQuery) => (await store.recent(question)).map((row) => row.request_id);
    const wanted = (isWanted: (i: number) => boolean): string[] =>
      Array.from({ length: rows + 600 }, (_, i) => rows + 599 - i)
        .filter(isWanted)
        .map((i) => `r-${i}`);
    expect(await ids({ provider: "rare", limit: 1_000 })).toEqual(wanted((i) => i % 397 === 0));
    expect(await ids({ layer: "llm-classify", limit: 1_000 })).toEqual(wanted((i) => i % 509 === 0));
    expect(await ids({ provider: "rare", tenant: "red", limit: 3 })).toEqual(
      wanted((i) => i % 794 === 0).slice(0, 3),
    );
    const third = wanted((i) => i % 397 === 0)[2] ?? "";
    const before = store.read(
      (db) =>
        db.query<{ id: number }, [string]>("SELECT id FROM request_records WHERE request_id = ?1").get(third)
          ?.id,
    );
    expect(await ids({ provider: "rare", before: before ?? 0, limit: 1 })).toEqual(
      wanted((i) => i % 397 === 0).slice(3, 4),
    );
    expect(await ids({ provider: "none" })).toEqual([]);
  });
});
