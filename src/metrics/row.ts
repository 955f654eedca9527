// A RequestRecord as the values of one row. Pure; it must never decide what is kept of a request beyond cutting texts
// to size.

import type { RequestRecord } from "../canon/record.ts";

export type Value = string | number | null;

const longestText = 512;
const longestJson = 16_384;

export function text(value: string | null): string | null {
  return value === null || value.length <= longestText ? value : value.slice(0, longestText);
}

/** Too long to keep means null, not half a document that no reader can parse. */
function json(value: unknown): string | null {
  const written = JSON.stringify(value);
  return written.length > longestJson ? null : written;
}

export function whole(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value);
}

function fine(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;
}

/** The target a person would name: the one that answered, else the last that was really tried. */
export function shownTarget(record: RequestRecord): { provider: string; model: string } {
  const tried =
    record.attempts.findLast((attempt) => attempt.outcome !== "skipped") ?? record.attempts.at(-1);
  return {
    provider: record.provider ?? tried?.provider ?? "",
    model: record.model ?? tried?.model ?? "",
  };
}

export function triedCount(record: RequestRecord): number {
  return record.attempts.filter((attempt) => attempt.outcome !== "skipped").length;
}

type Column = readonly [name: string, read: (record: RequestRecord) => Value];

// `facts`, `candidates` and `reason` are the routing decision: null unless metrics.log_routing_decisions.
const columns: readonly Column[] = [
  ["request_id", (r) => r.id],
  ["started_at_ms", (r) => whole(r.startedAtMs)],
  ["tenant", (r) => text(r.tenant)],
  ["key_id", (r) => text(r.keyId)],
  ["session", (r) => text(r.session)],
  ["door", (r) => r.door],
  ["client", (r) => text(r.client)],
  ["tags", (r) => json(r.tags) ?? "[]"],
  ["requested_model", (r) => text(r.requestedModel)],
  ["stream", (r) => (r.stream ? 1 : 0)],
  ["layer", (r) => r.layer],
  ["rule", (r) => text(r.rule)],
  ["confidence", (r) => fine(r.confidence)],
  ["reason", (r) => text(r.reason)],
  ["facts", (r) => (r.facts === null ? null : json(r.facts))],
  ["candidates", (r) => (r.candidates.length === 0 ? null : json(r.candidates))],
  ["attempts", (r) => json(r.attempts) ?? json(r.attempts.slice(-20)) ?? "[]"],
  ["attempt_count", triedCount],
  ["provider", (r) => text(r.provider)],
  ["model", (r) => text(r.model)],
  ["upstream_model", (r) => text(r.upstreamModel)],
  ["shown_provider", (r) => text(shownTarget(r).provider)],
  ["shown_model", (r) => text(shownTarget(r).model)],
  ["queue_wait_ms", (r) => whole(r.queueWaitMs) ?? 0],
  ["overhead_ms", (r) => fine(r.overheadMs)],
  ["first_token_ms", (r) => whole(r.firstTokenMs)],
  ["duration_ms", (r) => whole(r.durationMs) ?? 0],
  ["input_tokens", (r) => whole(r.usage.input)],
  ["input_uncached", (r) => whole(r.usage.inputUncached)],
  ["input_cached", (r) => whole(r.usage.inputCached)],
  ["input_cache_write", (r) => whole(r.usage.inputCacheWrite)],
  ["output_tokens", (r) => whole(r.usage.output)],
  ["output_reasoning", (r) => whole(r.usage.outputReasoning)],
  ["cost_nano_usd", (r) => whole(r.costNanoUsd)],
  ["status", (r) => whole(r.status)],
  ["finish", (r) => r.finish],
  ["failure", (r) => r.failure],
  ["error", (r) => text(r.error)],
];

export const insertRow = `INSERT INTO request_records (${columns.map(([name]) => name).join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;

export function rowOf(record: RequestRecord): Value[] {
  return columns.map(([, read]) => read(record));
}

/** What the cache is known to have answered and to have missed; both 0 when the vendor did not say. */
export function cacheSplit(input: number | null, inputCached: number | null): { hit: number; miss: number } {
  if (inputCached === null) return { hit: 0, miss: 0 };
  return { hit: inputCached, miss: Math.max(0, (input ?? inputCached) - inputCached) };
}
