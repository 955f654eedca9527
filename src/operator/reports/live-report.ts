// GET /api/live: the requests that are running now. It must never read a body or wait for anything.

import type { LiveRegistry, LiveRequest } from "../../pipeline/live-requests.ts";

export type LiveRow = {
  readonly id: string;
  readonly door: string;
  readonly tenant: string | null;
  readonly started_at_ms: number;
  readonly stage: string;
  readonly model: string;
  readonly provider: string | null;
  /** Null while the request does not wait. */
  readonly queue: {
    readonly provider: string;
    readonly position: number;
    readonly waited_ms: number;
  } | null;
  readonly session: string | null;
  readonly client: string | null;
  readonly agent: string | null;
  readonly rule: string | null;
  /** Estimates, while an answer streams. */
  readonly output_tokens: number | null;
  readonly tokens_per_second: number | null;
};

export type LiveReport = { readonly requests: readonly LiveRow[] };

export function liveReport(live: Pick<LiveRegistry, "list">): LiveReport {
  return { requests: live.list().map(liveRow) };
}

function liveRow(request: LiveRequest): LiveRow {
  const { id, endpoint, tenant, startedAtMs, stage, model, provider, waitsAt } = request;
  const progress = request.progress?.() ?? null;
  return {
    id,
    door: endpoint,
    tenant,
    started_at_ms: startedAtMs,
    stage,
    model,
    provider,
    queue: waitsAt
      ? {
          provider: waitsAt.provider,
          position: waitsAt.place.position(),
          waited_ms: Math.round(waitsAt.place.waitedMs()),
        }
      : null,
    session: progress?.session ?? null,
    client: progress?.client ?? null,
    agent: progress?.agent ?? null,
    rule: progress?.rule ?? null,
    output_tokens: progress?.outputTokens ?? null,
    tokens_per_second: progress?.tokensPerSecond ?? null,
  };
}
