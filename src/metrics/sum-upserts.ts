// The statements that add a batch's totals (batch-sums.ts) to the tables of sums. They run a few times per batch, so readability
// matters more than speed.

import type { SqlValue } from "./record-row.ts";
import type { AttemptTally, Tally } from "./batch-sums.ts";

type Column<T> = readonly [name: string, read: (tally: T) => SqlValue];

/** One statement that adds a tally to its row of a table: `merge` defines how the other columns are combined. */
export type Upsert<T> = { readonly sql: string; values(tally: T): SqlValue[] };

function upsert<T>(
  table: string,
  keys: readonly Column<T>[],
  counters: readonly Column<T>[],
  extremes: readonly (readonly [...Column<T>, "min" | "max"])[] = [],
): Upsert<T> {
  const all = [...keys, ...counters, ...extremes];
  const names = all.map(([name]) => name).join(", ");
  const updates = [
    ...counters.map(([name]) => `${name} = ${name} + excluded.${name}`),
    ...extremes.map(([name, , choose]) => `${name} = ${choose}(${name}, excluded.${name})`),
  ].join(", ");
  const marks = all.map(() => "?").join(", ");
  return {
    sql: `INSERT INTO ${table} (${names}) VALUES (${marks}) ON CONFLICT DO UPDATE SET ${updates}`,
    values: (tally) => all.map(([, read]) => read(tally)),
  };
}

export const usageDaysUpsert = upsert<Tally>(
  "usage_days",
  [
    ["day_ms", (t) => t.dayMs],
    ["tenant", (t) => t.tenant],
    ["provider", (t) => t.provider],
    ["model", (t) => t.model],
    ["layer", (t) => t.layer],
    ["rule", (t) => t.rule],
    ["outcome", (t) => t.outcome],
  ],
  [
    ["requests", (t) => t.requests],
    ["streams", (t) => t.streams],
    ["attempts", (t) => t.attempts],
    ["fallbacks", (t) => t.fallbacks],
    ["input_tokens", (t) => t.inputTokens],
    ["output_tokens", (t) => t.outputTokens],
    ["reasoning_tokens", (t) => t.reasoningTokens],
    ["cache_hit_tokens", (t) => t.cacheHitTokens],
    ["cache_miss_tokens", (t) => t.cacheMissTokens],
    ["cache_write_tokens", (t) => t.cacheWriteTokens],
    ["cost_nano_usd", (t) => t.costNanoUsd],
    ["unknown_cost", (t) => t.unknownCost],
    ["unknown_usage", (t) => t.unknownUsage],
    ["duration_ms", (t) => t.durationMs],
    ["first_token_ms", (t) => t.firstTokenMs],
    ["first_tokens", (t) => t.firstTokens],
  ],
  [
    ["first_ms", (t) => t.firstMs, "min"],
    ["last_ms", (t) => t.lastMs, "max"],
  ],
);

export const trafficQuartersUpsert = upsert<Tally>(
  "traffic_quarters",
  [
    ["quarter_ms", (t) => t.quarterMs],
    ["tenant", (t) => t.tenant],
  ],
  [
    ["requests", (t) => t.requests],
    ["failures", (t) => (t.outcome === "failed" ? t.requests : 0)],
    ["tokens", (t) => t.inputTokens + t.outputTokens],
    ["cost_nano_usd", (t) => t.costNanoUsd],
  ],
);

export const attemptDaysUpsert = upsert<AttemptTally>(
  "attempt_days",
  [
    ["day_ms", (t) => t.dayMs],
    ["tenant", (t) => t.tenant],
    ["provider", (t) => t.provider],
    ["model", (t) => t.model],
  ],
  [
    ["attempts", (t) => t.attempts],
    ["failures", (t) => t.failures],
    ["skipped", (t) => t.skipped],
    ["maybe_billed", (t) => t.maybeBilled],
  ],
);
