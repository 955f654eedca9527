// The responses of /api/stats and /api/recent. The first group of each is ClawGate's own (names, units, rounding) and is never
// renamed; the fields after it are new here. USD are floats with 6 decimals, null is unknown.

import type { SnakeCased } from "./snake-case.ts";
import type { Candidate } from "../canon/decision.ts";
import type { AttemptRecord, CacheMiss } from "../canon/record.ts";
import type { StoreStatus } from "./store-status.ts";

export type Totals = {
  readonly total_requests: number;
  /** Requests that failed; not failed attempts, and not those whose client left (`total_cancelled`). */
  readonly total_failures: number;
  readonly total_prompt_tokens: number;
  readonly total_compl_tokens: number;
  readonly total_cache_hit: number;
  readonly total_cache_miss: number;
  readonly cache_hit_pct: number;
  readonly total_cost_usd: number;
  readonly avg_latency_ms: number;
  /** Unix seconds; null when nothing was recorded. */
  readonly first_request: number | null;
  readonly last_request: number | null;

  readonly total_cancelled: number;
  readonly total_attempts: number;
  readonly total_fallbacks: number;
  readonly total_streams: number;
  readonly total_reasoning_tokens: number;
  readonly total_cache_write: number;
  readonly unknown_cost_requests: number;
  readonly unknown_usage_requests: number;
  readonly avg_first_token_ms: number | null;
  /** Over the newest successful requests, `latency_sample` of them. */
  readonly p50_latency_ms: number | null;
  readonly p95_latency_ms: number | null;
  readonly p50_first_token_ms: number | null;
  readonly p95_first_token_ms: number | null;
  readonly latency_sample: number;
};

type TargetSums = {
  readonly requests: number;
  /** Failed attempts. */
  readonly failures: number;
  readonly prompt_tokens: number;
  readonly compl_tokens: number;
  readonly total_tokens: number;
  readonly cache_hit_tokens: number;
  readonly cache_miss_tokens: number;
  readonly cache_hit_pct: number;
  readonly cost_usd: number;
  readonly avg_latency_ms: number;

  readonly attempts: number;
  readonly skipped: number;
  readonly maybe_billed: number;
  readonly streams: number;
  readonly unknown_cost_requests: number;
  readonly avg_first_token_ms: number | null;
};

export type ProviderRow = { readonly provider: string } & TargetSums;
export type ModelRow = { readonly provider: string; readonly model: string } & TargetSums;

/** Successful requests only. */
export type RoutingRow = {
  readonly layer: string;
  readonly rule_name: string;
  readonly provider: string;
  readonly requests: number;
  readonly cost_usd: number;
  readonly avg_latency_ms: number;
};

/** The last 24 hours, including the current one (23); hours without a request are left out. */
export type HourRow = {
  readonly hour_offset: number;
  readonly requests: number;
  readonly cost_usd: number;
  readonly tokens: number;

  readonly failures: number;
  readonly started_at: number;
};

/** The last 30 days; days without a request are left out. */
export type DayRow = {
  readonly day: string;
  readonly requests: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly failures: number;
};

export type StatsReport = {
  readonly totals: Totals;
  readonly providers: readonly ProviderRow[];
  readonly routing: readonly RoutingRow[];
  readonly hourly: readonly HourRow[];
  readonly daily: readonly DayRow[];

  readonly models: readonly ModelRow[];
  readonly database: StoreStatus;
};

export type RecentRow = {
  readonly id: number;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly provider: string;
  readonly model: string;
  readonly layer: string;
  readonly rule_name: string;
  readonly prompt_tok: number;
  readonly compl_tok: number;
  readonly cache_hit: number;
  readonly cache_miss: number;
  /** Null if the price or the usage is unknown. */
  readonly cost_usd: number | null;
  readonly latency_ms: number;
  readonly success: 0 | 1;
  readonly error: string;

  readonly request_id: string;
  readonly tenant: string | null;
  readonly key_id: string | null;
  readonly session: string | null;
  /** The client's agent that sent the request, and the one that started that agent. */
  readonly agent: string | null;
  readonly parent_agent: string | null;
  /** What Claude Code said of the turn (canon/client-hints.ts). */
  readonly class: string | null;
  readonly agent_type?: string;
  readonly compaction?: string;
  readonly context_compacted?: string;
  readonly prompt_id?: string;
  /** The trace that it belongs to (W3C). Absent: none. */
  readonly trace_id?: string;
  /** The client's own id of the request. Absent: it sent none. */
  readonly client_request_id?: string;
  readonly door: string;
  readonly client: string | null;
  readonly tags: readonly string[];
  readonly requested_model: string;
  readonly upstream_model: string | null;
  readonly stream: boolean;
  readonly status: number;
  readonly finish: string | null;
  readonly failure: string | null;
  readonly confidence: number | null;
  readonly reason: string | null;
  readonly candidates: readonly Candidate[];
  readonly facts: Readonly<Record<string, unknown>> | null;
  readonly attempts: readonly SnakeCased<AttemptRecord>[];
  readonly queue_wait_ms: number;
  readonly overhead_ms: number | null;
  readonly first_token_ms: number | null;
  readonly usage: {
    readonly input: number | null;
    readonly input_uncached: number | null;
    readonly input_cached: number | null;
    readonly input_cache_write: number | null;
    readonly output: number | null;
    readonly output_reasoning: number | null;
  };
  /** By the list price, where a flat rate paid it and `cost_usd` is 0; null: no flat rate, or no price. */
  readonly list_usd: number | null;
  /** Estimates: at the price of the baseline model, and without a prompt cache. */
  readonly baseline_usd: number | null;
  readonly uncached_usd: number | null;
  readonly cost_parts: {
    readonly input_usd: number;
    readonly cached_usd: number;
    readonly cache_write_usd: number;
    readonly output_usd: number;
  } | null;
  /** Why it found less in the prompt cache than the turn before had left there; null: it did not. */
  readonly missed_cache: {
    readonly cause: CacheMiss["cause"];
    readonly index: number | null;
    readonly change: CacheMiss["change"];
    readonly missed_tokens: number;
    readonly usd: number | null;
  } | null;
  readonly tool_calls: readonly string[];
};
