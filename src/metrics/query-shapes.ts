// The queries of the dashboard, of /api and of `clawgate stats|export`, and what they answer. Types only, free of any storage.
// Keys are those of the JSON answers. USD are floats with 6 decimals from integer nano-USD; times are UTC milliseconds.

import type { RecentRow } from "./report-shapes.ts";

/** A condition on requests; absent = any. Every part must hold. */
export type RecordFilter = {
  /** When the request started: from inclusive, to exclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly tenant?: string;
  readonly client?: string;
  readonly session?: string;
  /** The agent that sent the request, or whose subagent did. */
  readonly agent?: string;
  /** The provider that answered, or was tried last. */
  readonly provider?: string;
  readonly model?: string;
  readonly rule?: string;
  /** What the client called the turn: main, subagent, compaction, ... */
  readonly class?: string;
  /** "ok", "failed", "cancelled", an HTTP status ("429"), a class of them ("4xx"), or a failure kind ("rate-limited"). */
  readonly status?: string;
  /** One of its tags, or several with commas between them, all of which it must have; also "waste:idle", "waste:repeated", "waste:cache-miss": the requests behind a line of waste. */
  readonly tag?: string;
  /** At least this cost, in nano-USD. */
  readonly minNanoUsd?: number;
};

export type Grouping =
  "tenant" | "client" | "session" | "agent" | "provider" | "model" | "rule" | "status" | "class";

/** "total": one bucket. "auto": the finest one that yields at most 120. "1d" is a day of the zone: 23 to 25 hours. */
export type BucketSize = "auto" | "total" | "1m" | "5m" | "15m" | "1h" | "1d";

export type SeriesQuery = RecordFilter & {
  readonly nowMs: number;
  /** IANA zone of the viewer, for days. */
  readonly tz: string;
  readonly bucket: BucketSize;
  readonly by?: Grouping;
  /** The groups that are named, 1..1000; the rest is one group "other". */
  readonly limit?: number;
  /** With the sums of the same length of time before. */
  readonly withPrevious?: boolean;
};

/** What a set of requests amounts to. */
export type Sums = {
  readonly requests: number;
  readonly failures: number;
  readonly cancelled: number;
  readonly streams: number;
  readonly attempts: number;
  readonly fallbacks: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  /** cached / input, in percent. */
  readonly cache_hit_pct: number;
  readonly cost_usd: number;
  readonly unknown_cost_requests: number;
  readonly unknown_usage_requests: number;
  /** Requests that a flat rate paid (the user's own sign-in): $0 in `cost_usd`, and what they are worth by the list. */
  readonly flat_rate_requests: number;
  readonly flat_rate_list_usd: number;
  /** Estimates: the same tokens at the price of the baseline model, and without any prompt cache. */
  readonly without_routing_usd: number;
  readonly without_cache_usd: number;
  /** What avoidable cache misses cost, and how many there were. */
  readonly miss_usd: number;
  readonly misses: number;
  readonly avg_latency_ms: number | null;
  readonly p50_latency_ms: number | null;
  readonly p95_latency_ms: number | null;
  readonly p50_first_token_ms: number | null;
  readonly p95_first_token_ms: number | null;
  /** From how many requests the percentiles are taken. */
  readonly latency_sample: number;
};

/** One value for each bucket. */
export type SeriesPoints = {
  readonly requests: readonly number[];
  readonly failures: readonly number[];
  readonly input_tokens: readonly number[];
  readonly cached_tokens: readonly number[];
  readonly output_tokens: readonly number[];
  readonly cost_usd: readonly number[];
  /** Null where no request succeeded. */
  readonly avg_latency_ms: readonly (number | null)[];
};

export type SeriesGroup = { readonly name: string; readonly totals: Sums; readonly points: SeriesPoints };

export type SeriesReport = {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly tz: string;
  readonly bucket: Exclude<BucketSize, "auto">;
  readonly by: Grouping | null;
  /** The start of each bucket, empty ones too. */
  readonly buckets: readonly number[];
  /** Without `by` one group named "". The most expensive first, then by requests. */
  readonly groups: readonly SeriesGroup[];
  readonly totals: Sums;
  readonly previous: Sums | null;
  /** False: rows of the time were deleted (size limit), and a boundary inside an hour is approximate; or rows wait to be written. */
  readonly exact: boolean;
};

export type RequestsQuery = RecordFilter & {
  /** 1..1000, default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
};

/** A row of a list: what /api/recent says without the long parts. */
export type RequestRow = Omit<RecentRow, "candidates" | "facts" | "attempts" | "reason"> & {
  readonly attempt_count: number;
  /** Attempts that failed before the one that answered. */
  readonly fallbacks: number;
};

export type RequestsPage = {
  /** Newest first. */
  readonly requests: readonly RequestRow[];
  /** Null: there are no more. */
  readonly next: string | null;
  /** False: the search stopped at its time limit at `searched_to_ms`; `next` goes on from there. */
  readonly complete: boolean;
  readonly searched_to_ms: number | null;
};

export type SessionsQuery = RecordFilter & { readonly limit?: number; readonly cursor?: string };

export type SessionRow = {
  readonly session: string;
  readonly tenant: string | null;
  readonly client: string | null;
  readonly first_ms: number;
  readonly last_ms: number;
  readonly requests: number;
  readonly failures: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  readonly cache_hit_pct: number;
  readonly cost_usd: number;
  /** Requests whose cost is in no sum, because nobody knows it. */
  readonly unknown_cost_requests: number;
  readonly flat_rate_list_usd: number;
  readonly misses: number;
  readonly miss_usd: number;
  /** At most 8, the most used first. */
  readonly models: readonly string[];
  readonly agents: number;
};

export type SessionsPage = {
  /** The one with the latest request first. */
  readonly sessions: readonly SessionRow[];
  readonly next: string | null;
};

export type SessionAgent = {
  /** Null: the conversation itself. */
  readonly agent: string | null;
  readonly parent_agent: string | null;
  readonly requests: number;
  readonly cost_usd: number;
  readonly unknown_cost_requests: number;
  readonly flat_rate_list_usd: number;
};

export type SessionReport = {
  readonly session: SessionRow;
  readonly agents: readonly SessionAgent[];
  /** Tool name -> calls. */
  readonly tools: Readonly<Record<string, number>>;
  /** Newest first, at most 500; `next` for older ones. */
  readonly turns: readonly RequestRow[];
  readonly next: string | null;
};

/** Everything that is known of one request. */
export type RequestReport = RecentRow;

/** Money that could have been spared, one line a kind. */
export type WasteLine = {
  readonly kind: "cache-miss" | "idle" | "repeated" | "dear-model";
  readonly requests: number;
  /** An estimate. */
  readonly usd: number;
  readonly text: string;
  /** Query of the page of requests that shows them, without its question mark. */
  readonly filter: string;
};

/** Rejects with a Failure while the database cannot be read: an empty report would say that there was nothing. */
export type RecordQueries = {
  series(query: SeriesQuery): Promise<SeriesReport>;
  requests(query: RequestsQuery): Promise<RequestsPage>;
  /** By its id as in x-request-id, or its number. */
  request(id: string): Promise<RequestReport | null>;
  sessions(query: SessionsQuery): Promise<SessionsPage>;
  session(
    id: string,
    query: { readonly tenant?: string; readonly cursor?: string },
  ): Promise<SessionReport | null>;
  waste(query: RecordFilter & { readonly nowMs: number }): Promise<readonly WasteLine[]>;
  /** Every row of the filter, oldest first, in pieces; ends when the signal aborts, throws when a piece cannot be read. */
  export(query: RecordFilter, signal: AbortSignal): AsyncIterable<readonly RequestRow[]>;
};
