// The answers of /api that the pages read, where no other part of the program has a type for them. Keys are those of the JSON.

import type { RequestReport, RequestRow, SeriesReport, WasteLine } from "../../metrics/query-shapes.ts";

export type SeriesAnswer = SeriesReport & { readonly waste?: readonly WasteLine[] };

export type CostPartsUsd = {
  readonly input_usd: number;
  readonly cached_usd: number;
  readonly cache_write_usd: number;
  readonly output_usd: number;
};

export type CacheMissFacts = {
  readonly cause: string;
  readonly index: number | null;
  readonly change: string | null;
  readonly missed_tokens: number;
  readonly usd: number | null;
};

/** What a row says of money beyond its cost. */
type MoneyFacts = {
  /** By the list, where a flat rate paid and the cost is 0. */
  readonly list_usd?: number | null;
  readonly baseline_usd?: number | null;
  readonly uncached_usd?: number | null;
  readonly cost_parts?: CostPartsUsd | null;
  readonly missed_cache?: CacheMissFacts | null;
  readonly tool_calls?: readonly string[];
};

export type Row = RequestRow & MoneyFacts;
export type RequestDetail = RequestReport & MoneyFacts;

export type LiveRow = {
  readonly id: string;
  readonly door: string;
  readonly tenant: string | null;
  readonly started_at_ms: number;
  readonly stage: string;
  readonly model: string;
  readonly provider: string | null;
  /** Null while the request does not wait. */
  readonly queue?: {
    readonly provider: string;
    readonly position: number;
    readonly waited_ms: number;
  } | null;
  readonly session?: string | null;
  readonly client?: string | null;
  readonly agent?: string | null;
  readonly rule?: string | null;
  /** An estimate while the answer streams. */
  readonly output_tokens?: number | null;
  readonly tokens_per_second?: number | null;
};

export type LogEntry = {
  readonly seq: number;
  readonly at_ms: number | null;
  readonly level: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
};
