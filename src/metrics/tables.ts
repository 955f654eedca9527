// The database as drizzle sees it: one row per request, and small tables of sums, so that a report never scans every request.
// `npm run migrations metrics <name>` generates the SQL for a change here in migrations/; a test compares the two.

import { isNotNull } from "drizzle-orm";
import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const dayMs = 86_400_000;
/** Quarter hours, because every time zone in use is a multiple of fifteen minutes: local days stay exact. */
export const quarterMs = 900_000;

// Not called `requests`: ClawGate-py keeps its own table of that name in a file at the same documented path, and both
// programs must be able to share one file.
export const requests = sqliteTable(
  "request_records",
  {
    id: integer("id").primaryKey(),
    // Requests are never looked up by it, and an index over random letters costs more than all the others.
    requestId: text("request_id").notNull(),
    startedAtMs: integer("started_at_ms").notNull(),
    tenant: text("tenant"),
    /** The provider that answered, else the one that was tried last, as people expect in a list; "" for none. */
    provider: text("provider").notNull(),
    layer: text("layer"),
    failure: text("failure"),
    stream: integer("stream").notNull(),
    status: integer("status").notNull(),
    durationMs: integer("duration_ms").notNull(),
    firstTokenMs: integer("first_token_ms"),
    inputTokens: integer("input_tokens"),
    inputCached: integer("input_cached"),
    outputTokens: integer("output_tokens"),
    costNanoUsd: integer("cost_nano_usd"),
    finish: text("finish"),
    /** Values that are only shown (detail.ts). No virtual columns on it: SQLite computes those on each insert too. */
    detail: text("detail").notNull(),
    client: text("client"),
    /** Its row in `sessions`; null without a session. */
    sessionId: integer("session_id"),
    agent: text("agent"),
    parentAgent: text("parent_agent"),
    model: text("model"),
    rule: text("rule"),
    /** A JSON array; null for none. */
    tags: text("tags"),
    /** Attempts that were really made. */
    attempts: integer("attempts"),
    inputCacheWrite: integer("input_cache_write"),
    outputReasoning: integer("output_reasoning"),
    /** What a flat rate paid, by the list; null: no flat rate; -1: the list does not know it. */
    listNanoUsd: integer("list_nano_usd"),
    baselineNanoUsd: integer("baseline_nano_usd"),
    uncachedNanoUsd: integer("uncached_nano_usd"),
    /** What an avoidable cache miss cost; null: there was none; -1: there was one at an unknown price. */
    missNanoUsd: integer("miss_nano_usd"),
    contentHash: text("content_hash"),
    /** Bits of metrics/waste-marks.ts; null for none. */
    waste: integer("waste"),
    /** What the client called the turn (canon/client-hints.ts). */
    class: text("class"),
  },
  (table) => [
    index("request_records_tenant").on(table.tenant).where(isNotNull(table.tenant)),
    index("request_records_failed").on(table.id).where(isNotNull(table.failure)),
    index("request_records_session").on(table.sessionId).where(isNotNull(table.sessionId)),
  ],
);

/** A conversation of a tenant: its name once instead of in every row, and what it amounts to. "" is no tenant. */
export const sessions = sqliteTable(
  "sessions",
  {
    /** Never used again: a row may outlive its session. */
    id: integer("id").primaryKey({ autoIncrement: true }),
    tenant: text("tenant").notNull(),
    name: text("name").notNull(),
    client: text("client"),
    firstMs: integer("first_ms").notNull(),
    lastMs: integer("last_ms").notNull(),
    requests: integer("requests").notNull(),
    failures: integer("failures").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    cachedTokens: integer("cached_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    costNanoUsd: integer("cost_nano_usd").notNull(),
    listNanoUsd: integer("list_nano_usd").notNull(),
    misses: integer("misses").notNull(),
    missNanoUsd: integer("miss_nano_usd").notNull(),
    /** Requests that reached a provider and whose cost nobody knows. */
    unknownCost: integer("unknown_cost").notNull().default(0),
    /** A JSON object: requests by model, and a JSON array of its agents; both bounded. */
    models: text("models").notNull(),
    agents: text("agents").notNull(),
  },
  (table) => [
    uniqueIndex("sessions_name").on(table.tenant, table.name),
    index("sessions_last").on(table.lastMs),
  ],
);

/**
 * Sums of the requests that started in a span of time (metrics/rollup.ts), hours and quarters of an hour. Requests up to `rolled_up.last_id`
 * are in them. Requests are numbered in the order in which they ended, so the ids tell where the span's rows are.
 */
export const rollups = sqliteTable(
  "rollups",
  {
    spanMs: integer("span_ms").notNull(),
    startMs: integer("start_ms").notNull(),
    firstId: integer("first_id").notNull(),
    lastId: integer("last_id").notNull(),
    firstMs: integer("first_ms").notNull(),
    lastMs: integer("last_ms").notNull(),
    requests: integer("requests").notNull(),
    data: blob("data", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.spanMs, table.startMs] })],
);

/** One row: the newest request that is in the rollups. */
export const rolledUp = sqliteTable("rolled_up", {
  id: integer("id").primaryKey(),
  lastId: integer("last_id").notNull(),
});

/**
 * Sums of a UTC day, by everything that reports distinguish. Unknown names are the empty string, because in a primary key every
 * NULL is a different value.
 */
export const usageDays = sqliteTable(
  "usage_days",
  {
    dayMs: integer("day_ms").notNull(),
    tenant: text("tenant").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    layer: text("layer").notNull(),
    rule: text("rule").notNull(),
    /** "ok", "failed" or "cancelled". */
    outcome: text("outcome").notNull(),
    requests: integer("requests").notNull(),
    streams: integer("streams").notNull(),
    attempts: integer("attempts").notNull(),
    fallbacks: integer("fallbacks").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    reasoningTokens: integer("reasoning_tokens").notNull(),
    cacheHitTokens: integer("cache_hit_tokens").notNull(),
    cacheMissTokens: integer("cache_miss_tokens").notNull(),
    cacheWriteTokens: integer("cache_write_tokens").notNull(),
    costNanoUsd: integer("cost_nano_usd").notNull(),
    unknownCost: integer("unknown_cost").notNull(),
    unknownUsage: integer("unknown_usage").notNull(),
    durationMs: integer("duration_ms").notNull(),
    firstTokenMs: integer("first_token_ms").notNull(),
    firstTokens: integer("first_tokens").notNull(),
    /** When the first and the last of these requests started. */
    firstMs: integer("first_ms").notNull(),
    lastMs: integer("last_ms").notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.dayMs,
        table.tenant,
        table.provider,
        table.model,
        table.layer,
        table.rule,
        table.outcome,
      ],
    }),
  ],
);

export const attemptDays = sqliteTable(
  "attempt_days",
  {
    dayMs: integer("day_ms").notNull(),
    tenant: text("tenant").notNull(),
    provider: text("provider").notNull(),
    model: text("model").notNull(),
    attempts: integer("attempts").notNull(),
    failures: integer("failures").notNull(),
    skipped: integer("skipped").notNull(),
    maybeBilled: integer("maybe_billed").notNull(),
  },
  (table) => [primaryKey({ columns: [table.dayMs, table.tenant, table.provider, table.model] })],
);

/** Sums of a quarter of an hour, for the hours and local days of a chart. */
export const trafficQuarters = sqliteTable(
  "traffic_quarters",
  {
    quarterMs: integer("quarter_ms").notNull(),
    tenant: text("tenant").notNull(),
    requests: integer("requests").notNull(),
    failures: integer("failures").notNull(),
    tokens: integer("tokens").notNull(),
    costNanoUsd: integer("cost_nano_usd").notNull(),
  },
  (table) => [primaryKey({ columns: [table.quarterMs, table.tenant] })],
);
