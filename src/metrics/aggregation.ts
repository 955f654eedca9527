// Sums read from the database, aggregated into the reports for people and dashboards. Pure.

import { otherModels } from "./model-name-limit.ts";
import { usd } from "./request-row.ts";
import { type QuarterSums, dailyOf, grouped, hourlyOf } from "./series.ts";
import type { ModelRow, ProviderRow, RoutingRow, StatsReport, Totals } from "./report-shapes.ts";

type Sum<K extends string> = Readonly<Record<K, number | null>>;

export type UsageSums = {
  readonly provider: string;
  readonly model: string;
  readonly layer: string;
  readonly rule: string;
  readonly outcome: string;
} & Sum<UsageCounter>;

export type AttemptSums = { readonly provider: string; readonly model: string } & Sum<AttemptCounter>;

export type Latency = {
  readonly sample: readonly { readonly durationMs: number; readonly firstTokenMs: number | null }[];
  readonly firstMs: number | null;
  readonly lastMs: number | null;
};

const usageCounters = [
  "requests",
  "streams",
  "attempts",
  "fallbacks",
  "inputTokens",
  "outputTokens",
  "reasoningTokens",
  "cacheHitTokens",
  "cacheMissTokens",
  "cacheWriteTokens",
  "costNanoUsd",
  "unknownCost",
  "unknownUsage",
  "durationMs",
  "firstTokenMs",
  "firstTokens",
] as const;
type UsageCounter = (typeof usageCounters)[number];

const attemptCounters = ["attempts", "failures", "skipped", "maybeBilled"] as const;
type AttemptCounter = (typeof attemptCounters)[number];

type Counted<K extends string> = Record<K, number>;
type UsageTotal = Counted<UsageCounter | "ok" | "failed" | "cancelled">;

const round1 = (value: number) => Math.round(value * 10) / 10;
const mean = (total: number, count: number) => (count === 0 ? 0 : round1(total / count));
const meanOrNull = (total: number, count: number) => (count === 0 ? null : round1(total / count));
const share = (hit: number, miss: number) => (hit + miss === 0 ? 0 : round1((100 * hit) / (hit + miss)));

function total(rows: readonly UsageSums[]): UsageTotal {
  const add = (read: (row: UsageSums) => number | null) =>
    rows.reduce((sum, row) => sum + (read(row) ?? 0), 0);
  const of = (outcome: string) => add((row) => (row.outcome === outcome ? row.requests : 0));
  const sums = Object.fromEntries(usageCounters.map((name) => [name, add((row) => row[name])]));
  return {
    ...(sums as Counted<UsageCounter>),
    ok: of("ok"),
    failed: of("failed"),
    cancelled: of("cancelled"),
  };
}

function totalAttempts(rows: readonly AttemptSums[]): Counted<AttemptCounter> {
  const sums = attemptCounters.map((name) => [name, rows.reduce((sum, row) => sum + (row[name] ?? 0), 0)]);
  return Object.fromEntries(sums) as Counted<AttemptCounter>;
}

/** The nearest-rank percentile; null for an empty list. */
function percentile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null;
}

function totalsOf(usage: readonly UsageSums[], latency: Latency): Totals {
  const all = total(usage);
  const ascending = (values: number[]) => values.toSorted((a, b) => a - b);
  const durations = ascending(latency.sample.map((row) => row.durationMs));
  const firstTokens = ascending(latency.sample.flatMap((row) => row.firstTokenMs ?? []));
  return {
    total_requests: all.requests,
    total_failures: all.failed,
    total_prompt_tokens: all.inputTokens,
    total_compl_tokens: all.outputTokens,
    total_cache_hit: all.cacheHitTokens,
    total_cache_miss: all.cacheMissTokens,
    cache_hit_pct: share(all.cacheHitTokens, all.cacheMissTokens),
    total_cost_usd: usd(all.costNanoUsd),
    avg_latency_ms: mean(all.durationMs, all.ok),
    first_request: latency.firstMs === null ? null : latency.firstMs / 1000,
    last_request: latency.lastMs === null ? null : latency.lastMs / 1000,
    total_cancelled: all.cancelled,
    total_attempts: all.attempts,
    total_fallbacks: all.fallbacks,
    total_streams: all.streams,
    total_reasoning_tokens: all.reasoningTokens,
    total_cache_write: all.cacheWriteTokens,
    unknown_cost_requests: all.unknownCost,
    unknown_usage_requests: all.unknownUsage,
    avg_first_token_ms: meanOrNull(all.firstTokenMs, all.firstTokens),
    p50_latency_ms: percentile(durations, 0.5),
    p95_latency_ms: percentile(durations, 0.95),
    p50_first_token_ms: percentile(firstTokens, 0.5),
    p95_first_token_ms: percentile(firstTokens, 0.95),
    latency_sample: durations.length,
  };
}

function targetSums(
  usage: readonly UsageSums[],
  attempts: readonly AttemptSums[],
): Omit<ProviderRow, "provider"> {
  const all = total(usage);
  const tried = totalAttempts(attempts);
  return {
    requests: all.requests,
    failures: tried.failures,
    prompt_tokens: all.inputTokens,
    compl_tokens: all.outputTokens,
    total_tokens: all.inputTokens + all.outputTokens,
    cache_hit_tokens: all.cacheHitTokens,
    cache_miss_tokens: all.cacheMissTokens,
    cache_hit_pct: share(all.cacheHitTokens, all.cacheMissTokens),
    cost_usd: usd(all.costNanoUsd),
    avg_latency_ms: mean(all.durationMs, all.ok),
    attempts: tried.attempts,
    skipped: tried.skipped,
    maybe_billed: tried.maybeBilled,
    streams: all.streams,
    unknown_cost_requests: all.unknownCost,
    avg_first_token_ms: meanOrNull(all.firstTokenMs, all.firstTokens),
  };
}

const byRequests = (a: { requests: number }, b: { requests: number }) => b.requests - a.requests;

type Named = { readonly provider: string; readonly model: string };

/** One entry for each target that was chosen or tried; a request that reached no provider is in none. */
function targets<T>(
  usage: readonly UsageSums[],
  attempts: readonly AttemptSums[],
  keyOf: (row: Named) => string,
  shape: (named: Named, sums: Omit<ProviderRow, "provider">) => T,
): T[] {
  const used = grouped(
    usage.filter((row) => row.provider !== ""),
    keyOf,
  );
  const tried = grouped(attempts, keyOf);
  return [...new Set([...used.keys(), ...tried.keys()])].flatMap((key) => {
    const named = used.get(key)?.[0] ?? tried.get(key)?.[0];
    return named === undefined ? [] : [shape(named, targetSums(used.get(key) ?? [], tried.get(key) ?? []))];
  });
}

function routingOf(usage: readonly UsageSums[]): RoutingRow[] {
  const succeeded = usage.filter((row) => row.outcome === "ok");
  return [...grouped(succeeded, (row) => JSON.stringify([row.layer, row.rule, row.provider])).values()]
    .flatMap((rows) => {
      const [first] = rows;
      if (first === undefined) return [];
      const all = total(rows);
      return {
        layer: first.layer,
        rule_name: first.rule,
        provider: first.provider,
        requests: all.requests,
        cost_usd: usd(all.costNanoUsd),
        avg_latency_ms: mean(all.durationMs, all.ok),
      };
    })
    .toSorted(byRequests);
}

export type ReadSums = {
  readonly usage: readonly UsageSums[];
  readonly attempts: readonly AttemptSums[];
  readonly quarters: readonly QuarterSums[];
  readonly latency: Latency;
};

/** A list that people read; files of older builds contain any number of names. */
const maxModels = 1_000;

/** The same sums, with the least used names combined into one. */
function limitModelNames<
  T extends Named & { readonly requests?: number | null; readonly attempts: number | null },
>(rows: readonly T[], kept: ReadonlySet<string> | null): readonly T[] {
  const named = rows.filter(({ model }) => model !== "");
  if (kept === null) return named;
  return named.map((row) => (kept.has(modelKey(row)) ? row : { ...row, model: otherModels }));
}

const modelKey = ({ provider, model }: Named): string => JSON.stringify([provider, model]);

/** Null: there are no more than that. */
function mostUsed(usage: readonly UsageSums[], attempts: readonly AttemptSums[]): ReadonlySet<string> | null {
  const counts = new Map<string, number>();
  for (const row of attempts) counts.set(modelKey(row), counts.get(modelKey(row)) ?? 0);
  for (const row of usage) counts.set(modelKey(row), (counts.get(modelKey(row)) ?? 0) + (row.requests ?? 0));
  if (counts.size <= maxModels) return null;
  const ordered = [...counts].toSorted(([, left], [, right]) => right - left);
  return new Set(ordered.slice(0, maxModels).map(([key]) => key));
}

/** `read` is null if there is no database: then everything is empty, and the report's `database` gives the reason. */
export function aggregateStats(read: ReadSums | null, nowMs: number): Omit<StatsReport, "database"> {
  const usage = read?.usage ?? [];
  const attempts = read?.attempts ?? [];
  const quarters = read?.quarters ?? [];
  const kept = mostUsed(usage, attempts);
  return {
    totals: totalsOf(usage, read?.latency ?? { sample: [], firstMs: null, lastMs: null }),
    providers: targets(
      usage,
      attempts,
      (row) => row.provider,
      ({ provider }, sums): ProviderRow => ({ provider, ...sums }),
    ).toSorted(byRequests),
    routing: routingOf(usage),
    hourly: hourlyOf(quarters, nowMs),
    daily: dailyOf(quarters, nowMs),
    // Names that no upstream knew are not models.
    models: targets(
      limitModelNames(usage, kept),
      limitModelNames(attempts, kept),
      modelKey,
      ({ provider, model }, sums): ModelRow => ({ provider, model, ...sums }),
    ).toSorted(byRequests),
  };
}
