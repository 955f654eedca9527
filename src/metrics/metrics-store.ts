// The interface of the store of request records, independent of its storage: it takes records and answers queries.
// Types only; an implementation uses its own driver in its own files, and nothing of it is visible here.

import type { RequestRecord } from "../canon/record.ts";
import type { RecordQueries } from "./query-shapes.ts";
import type { RecentRow, StatsReport } from "./report-shapes.ts";
import type { StoreStatus } from "./store-status.ts";

export type StatsQuery = {
  readonly nowMs: number;
  /** Only this tenant's requests. */
  readonly tenant?: string;
};

export type RecentQuery = {
  /** 1..1000, default 50; values outside are clamped. */
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

/** From the beginning of one UTC day to the beginning of another. */
export type SpentQuery = { readonly tenant: string; readonly sinceMs: number; readonly untilMs: number };

/** What a tenant has used. */
export type TenantTotals = { readonly tokens: number; readonly nanoUsd: number };

/** None of its own queries rejects: if nothing can be read, the result is empty or null. Those of RecordQueries do. */
export type MetricsStore = RecordQueries & {
  /** Never throws and never waits: records that cannot be kept are counted in `status`. */
  record(record: RequestRecord): void;
  /** Totals, by provider, model and rule, and the series of hours and days. */
  stats(query: StatsQuery): Promise<StatsReport>;
  /** Newest first. */
  recent(query: RecentQuery): Promise<RecentRow[]>;
  /** Requests by provider id, since midnight UTC; a provider without requests is not in it. */
  requestsToday(nowMs: number): Promise<ReadonlyMap<string, number> | null>;
  spent(query: SpentQuery): Promise<TenantTotals | null>;
  /** Writes pending records. True when none is pending any more; false while the database accepts nothing. */
  flush(): Promise<boolean>;
  /** False: for the time being another process tidies the file. Records that come nevertheless are written. */
  setUpkeep(isOurs: boolean): void;
  status(): StoreStatus;
  /** Writes pending records, for a limited time, then closes the database. Idempotent. */
  close(): Promise<void>;
};
