// What the gateway asks of the home of its request records, whatever that home is: records go in, answers to questions come out.
// Types only; a home names its own driver in its own files, and nothing of it is seen here.

import type { RequestRecord } from "../canon/record.ts";
import type { RecentRow, StatsReport } from "./report-shapes.ts";
import type { StoreStatus } from "./store-status.ts";

export type StatsQuery = {
  readonly nowMs: number;
  /** Only this tenant's requests. */
  readonly tenant?: string;
};

export type RecentQuery = {
  /** 1..1000, default 50; what lies outside is brought inside. */
  readonly limit?: number;
  /** The provider that answered, or was tried last. */
  readonly provider?: string;
  readonly tenant?: string;
  readonly layer?: string;
  /** True: every request that did not succeed; a word: that failure kind. */
  readonly failure?: true | string;
  /** Only rows older than this `id`: the next page. */
  readonly before?: number;
};

/** From the beginning of one UTC day to that of another one. */
export type SpentQuery = { readonly tenant: string; readonly sinceMs: number; readonly untilMs: number };

/** What a tenant has used. */
export type TenantTotals = { readonly tokens: number; readonly nanoUsd: number };

/** None of the questions rejects: where nothing can be read, the answer is empty or null. */
export type MetricsStore = {
  /** Never throws and never waits: what cannot be kept is counted in `status`. */
  record(record: RequestRecord): void;
  /** Totals, by provider, model and rule, and the series of hours and days. */
  stats(query: StatsQuery): Promise<StatsReport>;
  /** Newest first. */
  recent(query: RecentQuery): Promise<RecentRow[]>;
  /** Requests by provider id, since midnight UTC; a provider without one is not in it. */
  requestsToday(nowMs: number): Promise<ReadonlyMap<string, number> | null>;
  spent(query: SpentQuery): Promise<TenantTotals | null>;
  /** Writes what waits. True when nothing waits any more; false when the home takes nothing just now. */
  flush(): Promise<boolean>;
  status(): StoreStatus;
  /** Writes what waits, for a limited time, then lets go of the home. Idempotent. */
  close(): Promise<void>;
};
