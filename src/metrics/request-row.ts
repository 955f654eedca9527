// One stored request as the API shows it: in full, and as a row of a list. Reads only.

import { readDetail } from "./detail.ts";
import type { RequestRow } from "./query-shapes.ts";
import { cacheHit, cacheMiss, unknownAmount } from "./record-values.ts";
import type { RecentRow } from "./report-shapes.ts";
import { snakeCased } from "./snake-case.ts";

export type StoredRow = {
  readonly id: number;
  readonly request_id: string;
  readonly started_at_ms: number;
  readonly tenant: string | null;
  readonly provider: string;
  readonly layer: string | null;
  readonly failure: string | null;
  readonly stream: number;
  readonly status: number;
  readonly duration_ms: number;
  readonly first_token_ms: number | null;
  readonly input_tokens: number | null;
  readonly input_cached: number | null;
  readonly output_tokens: number | null;
  readonly cost_nano_usd: number | null;
  readonly finish: string | null;
  readonly detail: string;
  readonly client: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly parent_agent: string | null;
  readonly class: string | null;
  readonly model: string | null;
  readonly rule: string | null;
  readonly tags: string | null;
  readonly attempts: number | null;
  readonly input_cache_write: number | null;
  readonly output_reasoning: number | null;
  readonly list_nano_usd: number | null;
  readonly baseline_nano_usd: number | null;
  readonly uncached_nano_usd: number | null;
};

/** With the name of the session, which is not in the row. */
export const selectRows =
  "SELECT request_records.*, (SELECT name FROM sessions WHERE sessions.id = session_id) AS session FROM request_records";

const nano = 1e9;

/** USD with 6 decimals. */
export function usd(nanoUsd: number): number {
  return Math.round(nanoUsd / 1000) / 1e6;
}

const exactUsd = (nanoUsd: number | null): number | null =>
  nanoUsd === null || nanoUsd === unknownAmount ? null : nanoUsd / nano;

type Detail = ReturnType<typeof readDetail>;

function moneyOf(row: StoredRow, { costParts, cacheMiss: miss }: Detail) {
  return {
    list_usd: exactUsd(row.list_nano_usd),
    baseline_usd: exactUsd(row.baseline_nano_usd),
    uncached_usd: exactUsd(row.uncached_nano_usd),
    cost_parts:
      costParts === null
        ? null
        : {
            input_usd: costParts.input / nano,
            cached_usd: costParts.cached / nano,
            cache_write_usd: costParts.cacheWrite / nano,
            output_usd: costParts.output / nano,
          },
    missed_cache:
      miss === null
        ? null
        : {
            cause: miss.cause,
            index: miss.index,
            change: miss.change,
            missed_tokens: miss.missedTokens,
            usd: exactUsd(miss.nanoUsd),
          },
  };
}

/** What the client said of the turn beside its class; absent where it said nothing. */
function hintsOf({
  hints,
}: Detail): Pick<RecentRow, "agent_type" | "compaction" | "context_compacted" | "prompt_id"> {
  if (hints === null) return {};
  const [agentType, compaction, contextCompacted, promptId] = hints;
  return {
    ...(agentType === null ? {} : { agent_type: agentType }),
    ...(compaction === null ? {} : { compaction }),
    ...(contextCompacted === null ? {} : { context_compacted: contextCompacted }),
    ...(promptId === null ? {} : { prompt_id: promptId }),
  };
}

export function shownRequest(row: StoredRow): RecentRow {
  const detail = readDetail(row.detail, row.started_at_ms);
  return {
    id: row.id,
    timestamp: row.started_at_ms / 1000,
    provider: row.provider,
    model: row.model ?? "",
    layer: row.layer ?? "",
    rule_name: row.rule ?? "",
    prompt_tok: row.input_tokens ?? 0,
    compl_tok: row.output_tokens ?? 0,
    cache_hit: cacheHit(row.input_cached),
    cache_miss: cacheMiss(row.input_tokens, row.input_cached),
    cost_usd: exactUsd(row.cost_nano_usd),
    latency_ms: row.duration_ms,
    success: row.failure === null ? 1 : 0,
    error: detail.error,
    request_id: row.request_id,
    tenant: row.tenant,
    key_id: detail.keyId,
    session: row.session,
    agent: row.agent,
    parent_agent: row.parent_agent,
    class: row.class,
    ...hintsOf(detail),
    ...(detail.traceId === null ? {} : { trace_id: detail.traceId }),
    ...(detail.clientRequestId === null ? {} : { client_request_id: detail.clientRequestId }),
    door: detail.door,
    client: row.client,
    tags: row.tags === null ? [] : (JSON.parse(row.tags) as string[]),
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
    first_token_ms: row.first_token_ms,
    usage: {
      input: row.input_tokens,
      input_uncached: detail.inputUncached,
      input_cached: row.input_cached,
      input_cache_write: row.input_cache_write,
      output: row.output_tokens,
      output_reasoning: row.output_reasoning,
    },
    ...moneyOf(row, detail),
    tool_calls: detail.toolCalls,
  };
}

export function listedRequest(row: StoredRow): RequestRow {
  const { candidates: _candidates, facts: _facts, attempts, reason: _reason, ...shown } = shownRequest(row);
  const answeredAt = attempts.findIndex(({ outcome }) => outcome === "ok");
  const before = answeredAt < 0 ? attempts.slice(0, -1) : attempts.slice(0, answeredAt);
  return {
    ...shown,
    attempt_count: row.attempts ?? 0,
    fallbacks: before.filter(({ outcome }) => outcome === "failed").length,
  };
}
