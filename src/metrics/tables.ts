// The database as drizzle sees it: one row per request, and small tables of sums, so that a report never scans every request.
// `npm run migrations metrics <name>` generates the SQL for a change here in migrations/; a test compares the two.

import { isNotNull } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

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
  },
  (table) => [
    index("request_records_provider").on(table.provider),
    index("request_records_layer").on(table.layer),
    index("request_records_tenant").on(table.tenant).where(isNotNull(table.tenant)),
    index("request_records_failed").on(table.id).where(isNotNull(table.failure)),
  ],
);

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
