// The queries behind /api/stats and `clawgate stats`. They read the sums, not the requests, and never write.

import { and, desc, eq, gte, isNull, lt, max, min, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { AttemptSums, Latency, ReadSums, UsageSums } from "./aggregation.ts";
import type { UsageCache } from "./usage-cache.ts";
import type { QuarterSums } from "./series.ts";
import { attemptDays, dayMs, requests, trafficQuarters, usageDays } from "./tables.ts";

const latencySample = 2_000;

const number = (column: Parameters<typeof sum>[0]) => sum(column).mapWith(Number);

/** Only days from `fromMs` on and before `toMs`. */
function usageSums(
  db: SqliteDatabase,
  tenant: string | undefined,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): UsageSums[] {
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
    .where(
      and(
        gte(table.dayMs, fromMs),
        lt(table.dayMs, toMs),
        tenant === undefined ? undefined : eq(table.tenant, tenant),
      ),
    )
    .groupBy(table.provider, table.model, table.layer, table.rule, table.outcome)
    .all();
}

/** Days that still grow; of all others the sums may be kept. */
const growingMs = 2 * dayMs;

/** All days; those before the newest are added up again only when one of them changed. */
function allUsageSums(
  db: SqliteDatabase,
  tenant: string | undefined,
  { nowMs, cache }: { readonly nowMs: number; readonly cache: UsageCache | undefined },
): readonly UsageSums[] {
  const whole = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  if (cache === undefined) return usageSums(db, tenant, whole);
  const toMs = Math.floor(nowMs / dayMs) * dayMs - growingMs;
  const older = cache.read(db, { tenant, toMs }, () => usageSums(db, tenant, { ...whole, toMs }));
  return [...older, ...usageSums(db, tenant, { ...whole, fromMs: toMs })];
}

function attemptSums(db: SqliteDatabase, tenant: string | undefined): AttemptSums[] {
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

function quarterSums(db: SqliteDatabase, nowMs: number, tenant: string | undefined): QuarterSums[] {
  const table = trafficQuarters;
  const since = gte(table.quarterMs, nowMs - 31 * dayMs);
  return drizzle({ client: db })
    .select({
      quarterMs: table.quarterMs,
      requests: number(table.requests),
      failures: number(table.failures),
      tokens: number(table.tokens),
      costNanoUsd: number(table.costNanoUsd),
    })
    .from(table)
    .where(tenant === undefined ? since : and(since, eq(table.tenant, tenant)))
    .groupBy(table.quarterMs)
    .orderBy(table.quarterMs)
    .all();
}

/** When the first and the last request started. */
function edges(db: SqliteDatabase, tenant: string | undefined) {
  return drizzle({ client: db })
    .select({ firstMs: min(usageDays.firstMs), lastMs: max(usageDays.lastMs) })
    .from(usageDays)
    .where(tenant === undefined ? undefined : eq(usageDays.tenant, tenant))
    .get();
}

function latency(db: SqliteDatabase, tenant: string | undefined): Latency {
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

/** Everything that /api/stats is built from. */
export function readSums(
  db: SqliteDatabase,
  { nowMs, tenant }: { readonly nowMs: number; readonly tenant: string | undefined },
  cache?: UsageCache,
): ReadSums {
  return {
    usage: allUsageSums(db, tenant, { nowMs, cache }),
    attempts: attemptSums(db, tenant),
    quarters: quarterSums(db, nowMs, tenant),
    latency: latency(db, tenant),
  };
}
