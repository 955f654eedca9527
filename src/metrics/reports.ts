// The reads behind /api/stats, /api/recent and `clawgate stats`. They walk the sums, not the requests, and never write.

import { and, desc, eq, gte, isNull, max, min, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { Database } from "bun:sqlite";
import { aggregateStats, type AttemptSums, type Latency, type UsageSums } from "./aggregation.ts";
import { readRecent, type RecentQuery } from "./recent.ts";
import type { RecentRow, StatsReport } from "./report-shapes.ts";
import type { QuarterSums } from "./series.ts";
import type { RecordSource } from "./metrics-store.ts";
import { attemptDays, dayMs, requests, trafficQuarters, usageDays } from "./tables.ts";
import { readRequestsToday } from "./requests-today.ts";

export type StatsQuery = {
  readonly nowMs: number;
  /** Only this tenant's requests. */
  readonly tenant?: string;
};

export type Reports = {
  stats(query: StatsQuery): Promise<StatsReport>;
  recent(query: RecentQuery): Promise<RecentRow[]>;
  /** By provider id, since midnight UTC; null when there is no readable database. */
  requestsToday(nowMs: number): Promise<ReadonlyMap<string, number> | null>;
};

const flushWaitMs = 500;
const latencySample = 2_000;

const number = (column: Parameters<typeof sum>[0]) => sum(column).mapWith(Number);

function usageSums(db: Database, tenant: string | undefined): UsageSums[] {
  const table = usageDays;
  return drizzle({ client: db })
    .select({
      provider: table.provider,
      model: table.model,
      layer: table.layer,
      rule: table.rule,
      outcome: table.outcome,
      requests: number(table.requests),
      streams: number(table.streams),
      attempts: number(table.attempts),
      fallbacks: number(table.fallbacks),
      inputTokens: number(table.inputTokens),
      outputTokens: number(table.outputTokens),
      reasoningTokens: number(table.reasoningTokens),
      cacheHitTokens: number(table.cacheHitTokens),
      cacheMissTokens: number(table.cacheMissTokens),
      cacheWriteTokens: number(table.cacheWriteTokens),
      costNanoUsd: number(table.costNanoUsd),
      unknownCost: number(table.unknownCost),
      unknownUsage: number(table.unknownUsage),
      durationMs: number(table.durationMs),
      firstTokenMs: number(table.firstTokenMs),
      firstTokens: number(table.firstTokens),
    })
    .from(table)
    .where(tenant === undefined ? undefined : eq(table.tenant, tenant))
    .groupBy(table.provider, table.model, table.layer, table.rule, table.outcome)
    .all();
}

function attemptSums(db: Database, tenant: string | undefined): AttemptSums[] {
  const table = attemptDays;
  return drizzle({ client: db })
    .select({
      provider: table.provider,
      model: table.model,
      attempts: number(table.attempts),
      failures: number(table.failures),
      skipped: number(table.skipped),
      maybeBilled: number(table.maybeBilled),
    })
    .from(table)
    .where(tenant === undefined ? undefined : eq(table.tenant, tenant))
    .groupBy(table.provider, table.model)
    .all();
}

function quarterSums(db: Database, question: StatsQuery): QuarterSums[] {
  const table = trafficQuarters;
  const since = gte(table.quarterMs, question.nowMs - 31 * dayMs);
  return drizzle({ client: db })
    .select({
      quarterMs: table.quarterMs,
      requests: number(table.requests),
      failures: number(table.failures),
      tokens: number(table.tokens),
      costNanoUsd: number(table.costNanoUsd),
    })
    .from(table)
    .where(question.tenant === undefined ? since : and(since, eq(table.tenant, question.tenant)))
    .groupBy(table.quarterMs)
    .orderBy(table.quarterMs)
    .all();
}

/** When the first and the last request started. */
function edges(db: Database, tenant: string | undefined) {
  return drizzle({ client: db })
    .select({ firstMs: min(usageDays.firstMs), lastMs: max(usageDays.lastMs) })
    .from(usageDays)
    .where(tenant === undefined ? undefined : eq(usageDays.tenant, tenant))
    .get();
}

function latency(db: Database, tenant: string | undefined): Latency {
  const sample = drizzle({ client: db })
    .select({ durationMs: requests.durationMs, firstTokenMs: requests.firstTokenMs })
    .from(requests)
    .where(and(isNull(requests.failure), tenant === undefined ? undefined : eq(requests.tenant, tenant)))
    .orderBy(desc(requests.id))
    .limit(latencySample)
    .all();
  const { firstMs = null, lastMs = null } = edges(db, tenant) ?? {};
  return { sample, firstMs, lastMs };
}

export function createReports(source: RecordSource): Reports {
  /** So that whoever just made a request finds it; but a report never hangs on a locked file. */
  const settle = async () => {
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, flushWaitMs);
    });
    await Promise.race([source.flush(), enough]);
    clearTimeout(timer);
  };
  return {
    async stats(question) {
      await settle();
      const read = source.read((db) => ({
        usage: usageSums(db, question.tenant),
        attempts: attemptSums(db, question.tenant),
        quarters: quarterSums(db, question),
        latency: latency(db, question.tenant),
      }));
      return { ...aggregateStats(read, question.nowMs), database: source.status() };
    },
    async recent(question) {
      await settle();
      return readRecent(source, question);
    },
    async requestsToday(nowMs) {
      await settle();
      return readRequestsToday(source, nowMs);
    },
  };
}
