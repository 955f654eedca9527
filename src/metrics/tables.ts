// The database as drizzle sees it: one row a request, and small tables of sums, so that a report never walks every
// request. It must say the same as migrations.ts; a test compares the two.

import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const dayMs = 86_400_000;
/** Quarter hours, because every time zone in use is a multiple of fifteen minutes: local days stay exact. */
export const quarterMs = 900_000;

// Not called `requests`: ClawGate-py keeps its own table of that name in a file at the same documented path, and
// both programs must be able to live in one file.
export const requests = sqliteTable(
  "request_records",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    requestId: text("request_id").notNull().unique(),
    startedAtMs: integer("started_at_ms").notNull(),
    tenant: text("tenant"),
    keyId: text("key_id"),
    session: text("session"),
    door: text("door").notNull(),
    client: text("client"),
    tags: text("tags").notNull(),
    requestedModel: text("requested_model").notNull(),
    stream: integer("stream").notNull(),
    layer: text("layer"),
    rule: text("rule"),
    confidence: real("confidence"),
    reason: text("reason"),
    facts: text("facts"),
    candidates: text("candidates"),
    attempts: text("attempts").notNull(),
    attemptCount: integer("attempt_count").notNull(),
    provider: text("provider"),
    model: text("model"),
    upstreamModel: text("upstream_model"),
    /** Who answered, or else who was tried last: what a person expects to see in a list, never null. */
    shownProvider: text("shown_provider").notNull(),
    shownModel: text("shown_model").notNull(),
    queueWaitMs: integer("queue_wait_ms").notNull(),
    overheadMs: real("overhead_ms"),
    firstTokenMs: integer("first_token_ms"),
    durationMs: integer("duration_ms").notNull(),
    inputTokens: integer("input_tokens"),
    inputUncached: integer("input_uncached"),
    inputCached: integer("input_cached"),
    inputCacheWrite: integer("input_cache_write"),
    outputTokens: integer("output_tokens"),
    outputReasoning: integer("output_reasoning"),
    costNanoUsd: integer("cost_nano_usd"),
    status: integer("status").notNull(),
    finish: text("finish"),
    failure: text("failure"),
    error: text("error"),
  },
  (table) => [
    index("request_records_started").on(table.startedAtMs),
    index("request_records_provider").on(table.shownProvider),
    index("request_records_layer").on(table.layer),
    index("request_records_tenant").on(table.tenant),
  ],
);

/**
 * Sums of a UTC day, by all that reports tell apart. Unknown names are the empty string, because a primary key treats
 * every NULL as another value.
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
