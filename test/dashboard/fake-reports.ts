// What /api makes of the made-up records: series, pages of requests, sessions. Small and slow, but of the real shapes.

import type { SeriesGroup, SessionReport, SessionRow, Sums } from "../../src/metrics/query-shapes.ts";
import type { RequestDetail, SeriesAnswer } from "../../src/dashboard/client/api-shapes.ts";
import { millisecondsOf } from "../../src/dashboard/client/time-range.ts";
import { rowOf } from "./fake-records.ts";

const hourMs = 3_600_000;
const keys = {
  tenant: (row: RequestDetail) => row.tenant,
  client: (row: RequestDetail) => row.client,
  session: (row: RequestDetail) => row.session,
  agent: (row: RequestDetail) => row.agent,
  provider: (row: RequestDetail) => row.provider,
  model: (row: RequestDetail) => row.model,
  rule: (row: RequestDetail) => row.rule_name,
} as const;

const sum = (
  rows: readonly RequestDetail[],
  value: (row: RequestDetail) => number | null | undefined,
): number => rows.reduce((total, row) => total + (value(row) ?? 0), 0);

function percentile(values: readonly (number | null)[], share: number): number | null {
  const known = values.filter((value) => value !== null).toSorted((one, other) => one - other);
  return known[Math.min(known.length - 1, Math.floor(known.length * share))] ?? null;
}

function sumsOf(rows: readonly RequestDetail[]): Sums {
  const input = sum(rows, (row) => row.prompt_tok);
  const flat = rows.filter((row) => row.provider === "claude-code");
  return {
    requests: rows.length,
    failures: rows.filter(({ failure }) => failure !== null && failure !== "cancelled").length,
    cancelled: rows.filter(({ failure }) => failure === "cancelled").length,
    streams: rows.filter(({ stream }) => stream).length,
    attempts: sum(rows, (row) => row.attempts.length),
    fallbacks: sum(rows, (row) => row.attempts.length - 1),
    input_tokens: input,
    cached_tokens: sum(rows, (row) => row.cache_hit),
    cache_write_tokens: sum(rows, (row) => row.usage.input_cache_write),
    output_tokens: sum(rows, (row) => row.compl_tok),
    reasoning_tokens: sum(rows, (row) => row.usage.output_reasoning),
    cache_hit_pct: input === 0 ? 0 : (sum(rows, (row) => row.cache_hit) / input) * 100,
    cost_usd: sum(rows, (row) => row.cost_usd),
    unknown_cost_requests: rows.filter(({ cost_usd }) => cost_usd === null).length,
    unknown_usage_requests: 0,
    flat_rate_requests: flat.length,
    flat_rate_list_usd: sum(flat, (row) => row.list_usd),
    without_routing_usd: sum(rows, (row) => row.baseline_usd),
    without_cache_usd: sum(rows, (row) => row.uncached_usd),
    miss_usd: sum(rows, (row) => row.missed_cache?.usd),
    misses: rows.filter((row) => row.missed_cache !== null).length,
    avg_latency_ms: rows.length === 0 ? null : sum(rows, (row) => row.latency_ms) / rows.length,
    p50_latency_ms: percentile(
      rows.map((row) => row.latency_ms),
      0.5,
    ),
    p95_latency_ms: percentile(
      rows.map((row) => row.latency_ms),
      0.95,
    ),
    p50_first_token_ms: percentile(
      rows.map((row) => row.first_token_ms),
      0.5,
    ),
    p95_first_token_ms: percentile(
      rows.map((row) => row.first_token_ms),
      0.95,
    ),
    latency_sample: rows.length,
  };
}

export function filtered(
  rows: readonly RequestDetail[],
  query: URLSearchParams,
  nowMs: number,
): RequestDetail[] {
  const bound = (key: string, otherwise: number): number =>
    millisecondsOf(query.get(key) ?? "", nowMs) ?? otherwise;
  const from = bound("from", nowMs - 24 * hourMs);
  const to = bound("to", nowMs + 1);
  const status = query.get("status");
  return rows.filter((row) => {
    const ms = row.timestamp * 1000;
    if (ms < from || ms >= to) return false;
    for (const [key, read] of Object.entries(keys))
      if (query.has(key) && read(row) !== query.get(key)) return false;
    if (query.has("tag") && !row.tags.includes(query.get("tag") ?? "")) return false;
    if (query.has("min_usd") && (row.cost_usd ?? 0) < Number(query.get("min_usd"))) return false;
    if (status === null) return true;
    return (
      (status === "ok" && row.failure === null) ||
      (status === "failed" && row.failure !== null && row.failure !== "cancelled") ||
      String(row.status) === status ||
      row.failure === status ||
      `${String(row.status)[0] ?? ""}xx` === status
    );
  });
}

function groupOf(
  name: string,
  rows: readonly RequestDetail[],
  buckets: readonly number[],
  width: number,
): SeriesGroup {
  const inBucket = buckets.map((start) =>
    rows.filter(({ timestamp }) => timestamp * 1000 >= start && timestamp * 1000 < start + width),
  );
  return {
    name,
    totals: sumsOf(rows),
    points: {
      requests: inBucket.map((each) => each.length),
      failures: inBucket.map((each) => sumsOf(each).failures),
      input_tokens: inBucket.map((each) => sum(each, (row) => row.prompt_tok)),
      cached_tokens: inBucket.map((each) => sum(each, (row) => row.cache_hit)),
      output_tokens: inBucket.map((each) => sum(each, (row) => row.compl_tok)),
      cost_usd: inBucket.map((each) => sum(each, (row) => row.cost_usd)),
      avg_latency_ms: inBucket.map((each) => sumsOf(each).avg_latency_ms),
    },
  };
}

const wasteLines = [
  {
    kind: "cache-miss",
    requests: 41,
    usd: 2.184,
    text: "41 turns paid in full for a prefix that the turn before had cached; most often a tool list that changed.",
    filter: "tag=cache-miss",
  },
  {
    kind: "idle",
    requests: 96,
    usd: 0.7312,
    text: "A heartbeat of openclaw every 15 minutes, day and night.",
    filter: "rule=heartbeat",
  },
  {
    kind: "dear-model",
    requests: 12,
    usd: 0.00418,
    text: "Short questions without tools that a rule sent to claude-sonnet-4-5.",
    filter: "model=claude-sonnet-4-5",
  },
] as const;

export function fakeSeries(
  records: readonly RequestDetail[],
  query: URLSearchParams,
  nowMs: number,
): SeriesAnswer {
  const from = millisecondsOf(query.get("from") ?? "", nowMs) ?? nowMs - 24 * hourMs;
  const to = millisecondsOf(query.get("to") ?? "now", nowMs) ?? nowMs;
  const rows = filtered(records, query, nowMs);
  const parts = query.get("bucket") === "total" ? 1 : 48;
  const width = (to - from) / parts;
  const buckets = Array.from({ length: parts }, (_, at) => from + at * width);
  const by = query.get("by") as keyof typeof keys | null;
  const named = new Map<string, RequestDetail[]>();
  for (const row of rows) {
    const name = by === null ? "" : (keys[by]?.(row) ?? "");
    named.set(name, [...(named.get(name) ?? []), row]);
  }
  const groups = [...named].map(([name, each]) => groupOf(name, each, buckets, width));
  groups.sort((one, other) => other.totals.cost_usd - one.totals.cost_usd);
  const before = new URLSearchParams(query);
  before.set("from", String(from - (to - from)));
  before.set("to", String(from));
  return {
    from_ms: from,
    to_ms: to,
    tz: query.get("tz") ?? "UTC",
    bucket: parts === 1 ? "total" : "15m",
    by,
    buckets,
    groups: groups.slice(0, Number(query.get("limit") ?? 20)),
    totals: sumsOf(rows),
    previous: query.get("previous") === "1" ? sumsOf(filtered(records, before, nowMs)) : null,
    exact: true,
    ...(query.get("waste") === "1" ? { waste: rows.length === 0 ? [] : wasteLines } : {}),
  };
}

function sessionRowOf(session: string, rows: readonly RequestDetail[]): SessionRow {
  const sums = sumsOf(rows);
  const times = rows.map(({ timestamp }) => timestamp * 1000);
  return {
    session,
    tenant: rows[0]?.tenant ?? null,
    client: rows[0]?.client ?? null,
    first_ms: Math.min(...times),
    last_ms: Math.max(...times),
    requests: sums.requests,
    failures: sums.failures,
    input_tokens: sums.input_tokens,
    cached_tokens: sums.cached_tokens,
    output_tokens: sums.output_tokens,
    cache_hit_pct: sums.cache_hit_pct,
    cost_usd: sums.cost_usd,
    unknown_cost_requests: sums.unknown_cost_requests,
    flat_rate_list_usd: sums.flat_rate_list_usd,
    misses: sums.misses,
    miss_usd: sums.miss_usd,
    models: [...new Set(rows.map(({ model }) => model))].slice(0, 8),
    agents: new Set(rows.flatMap(({ agent }) => agent ?? [])).size,
  };
}

export function fakeSessions(rows: readonly RequestDetail[]): readonly SessionRow[] {
  const named = new Map<string, RequestDetail[]>();
  for (const row of rows)
    if (row.session !== null) named.set(row.session, [...(named.get(row.session) ?? []), row]);
  return [...named]
    .map(([session, each]) => sessionRowOf(session, each))
    .toSorted((one, other) => other.last_ms - one.last_ms);
}

export function fakeSession(records: readonly RequestDetail[], session: string): SessionReport | null {
  const rows = records.filter((row) => row.session === session);
  if (rows.length === 0) return null;
  const agents = [...new Set(rows.map(({ agent }) => agent))];
  const tools: Record<string, number> = {};
  for (const row of rows) for (const tool of row.tool_calls ?? []) tools[tool] = (tools[tool] ?? 0) + 1;
  return {
    session: sessionRowOf(session, rows),
    agents: agents.map((agent) => {
      const own = rows.filter((row) => row.agent === agent);
      return {
        agent,
        parent_agent: agent === "agent-1" ? "agent-0" : null,
        requests: own.length,
        cost_usd: sumsOf(own).cost_usd,
        unknown_cost_requests: sumsOf(own).unknown_cost_requests,
        flat_rate_list_usd: sumsOf(own).flat_rate_list_usd,
      };
    }),
    tools,
    turns: rows.map(rowOf),
    next: null,
  };
}
