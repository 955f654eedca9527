// The newest requests, one by one, for /api/recent and the command line. Reads only.

import { and, desc, eq, isNotNull, lt, type SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { readDetail } from "./detail.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { cacheHit, cacheMiss } from "./record-values.ts";
import type { RecentRow } from "./report-shapes.ts";
import { snakeCased } from "./snake-case.ts";
import type { RecentQuery } from "./metrics-store.ts";
import { requests } from "./tables.ts";

type Stored = typeof requests.$inferSelect;

const nano = 1e9;

/** USD with 6 decimals. */
export function usd(nanoUsd: number): number {
  return Math.round(nanoUsd / 1000) / 1e6;
}

function shape(row: Stored): RecentRow {
  const detail = readDetail(row.detail, row.startedAtMs);
  return {
    id: row.id,
    timestamp: row.startedAtMs / 1000,
    provider: row.provider,
    model: detail.model,
    layer: row.layer ?? "",
    rule_name: detail.rule,
    prompt_tok: row.inputTokens ?? 0,
    compl_tok: row.outputTokens ?? 0,
    cache_hit: cacheHit(row.inputCached),
    cache_miss: cacheMiss(row.inputTokens, row.inputCached),
    cost_usd: row.costNanoUsd === null ? null : row.costNanoUsd / nano,
    latency_ms: row.durationMs,
    success: row.failure === null ? 1 : 0,
    error: detail.error,
    request_id: row.requestId,
    tenant: row.tenant,
    key_id: detail.keyId,
    session: detail.session,
    agent: detail.agent,
    parent_agent: detail.parentAgent,
    ...(detail.traceId === null ? {} : { trace_id: detail.traceId }),
    door: detail.door,
    client: detail.client,
    tags: detail.tags,
    requested_model: detail.requestedModel,
    upstream_model: detail.upstreamModel,
    stream: row.stream === 1,
    status: row.status,
    finish: row.finish,
    failure: row.failure,
    confidence: detail.confidence,
    reason: detail.reason,
    candidates: detail.candidates,
    facts: detail.facts === null ? null : snakeCased(detail.facts),
    attempts: detail.attempts.map(snakeCased),
    queue_wait_ms: detail.queueWaitMs,
    overhead_ms: detail.overheadMs,
    first_token_ms: row.firstTokenMs,
    usage: {
      input: row.inputTokens,
      input_uncached: detail.inputUncached,
      input_cached: row.inputCached,
      input_cache_write: detail.inputCacheWrite,
      output: row.outputTokens,
      output_reasoning: detail.outputReasoning,
    },
  };
}

function conditions(query: RecentQuery): SQL[] {
  const { provider, tenant, layer, failure, before } = query;
  const found: SQL[] = [];
  if (provider !== undefined) found.push(eq(requests.provider, provider));
  if (tenant !== undefined) found.push(eq(requests.tenant, tenant));
  if (layer !== undefined) found.push(eq(requests.layer, layer));
  if (failure === true) found.push(isNotNull(requests.failure));
  else if (failure !== undefined)
    found.push(and(eq(requests.failure, failure), isNotNull(requests.failure)) as SQL);
  if (before !== undefined) found.push(lt(requests.id, before));
  return found;
}

/** Newest first. */
export function readRecent(db: SqliteDatabase, query: RecentQuery): RecentRow[] {
  const wanted = Math.trunc(query.limit ?? 50);
  const limit = Number.isNaN(wanted) ? 50 : Math.min(1000, Math.max(1, wanted));
  const rows = drizzle({ client: db })
    .select()
    .from(requests)
    .where(and(...conditions(query)))
    .orderBy(desc(requests.id))
    .limit(limit)
    .all();
  return rows.map(shape);
}
