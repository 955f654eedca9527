// Anthropic's token counts <-> canonical usage. Its `input_tokens` excludes cache reads and writes. It must never
// subtract twice, nor let a placeholder 0 erase a real number.

import { tokenCount, type Usage, usageFromParts } from "../../canon/usage.ts";
import { isRecord } from "../decoding.ts";
import { restOf } from "./extras.ts";

/** The counts under their wire names; null where missing. */
export type WireCounts = {
  readonly input: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly output: number | null;
  readonly thinking: number | null;
};

export const noCounts: WireCounts = {
  input: null,
  cacheRead: null,
  cacheWrite: null,
  output: null,
  thinking: null,
};

const countMembers = new Set([
  "input_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "output_tokens",
  "output_tokens_details",
]);

export function readCounts(usage: unknown): WireCounts {
  if (!isRecord(usage)) return noCounts;
  const details = usage["output_tokens_details"];
  return {
    input: tokenCount(usage["input_tokens"]) ?? tokenCount(usage["prompt_tokens"]),
    cacheRead: tokenCount(usage["cache_read_input_tokens"]),
    cacheWrite: tokenCount(usage["cache_creation_input_tokens"]),
    output: tokenCount(usage["output_tokens"]) ?? tokenCount(usage["completion_tokens"]),
    thinking: isRecord(details) ? tokenCount(details["thinking_tokens"]) : null,
  };
}

/** The other members of a usage object (server_tool_use, service_tier …), without nulls. */
export function restOfUsage(usage: unknown): Record<string, unknown> | null {
  return isRecord(usage) ? withoutNulls(restOf(usage, countMembers)) : null;
}

export function withoutNulls(members: Record<string, unknown> | null): Record<string, unknown> | null {
  if (members === null) return null;
  const kept = Object.entries(members).filter(([, value]) => value !== null && value !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : null;
}

/** Input counts that are all zero: a placeholder of vendors that report them only at the other end of the stream. */
export function withoutPlaceholders(counts: WireCounts): WireCounts {
  if (counts.input || counts.cacheRead || counts.cacheWrite) return counts;
  return { ...counts, input: null, cacheRead: null, cacheWrite: null };
}

/** message_delta repeats message_start's counts as totals, so newer counts win where they are known. */
export function mergeCounts(older: WireCounts, newer: WireCounts): WireCounts {
  const isKnown = older.input !== null || older.cacheRead !== null || older.cacheWrite !== null;
  const now = isKnown ? withoutPlaceholders(newer) : newer;
  return {
    input: now.input ?? older.input,
    cacheRead: now.cacheRead ?? older.cacheRead,
    cacheWrite: now.cacheWrite ?? older.cacheWrite,
    output: now.output ?? older.output,
    thinking: now.thinking ?? older.thinking,
  };
}

export function decodeUsage(counts: WireCounts): Usage {
  return usageFromParts({
    inputUncached: counts.input,
    inputCached: counts.cacheRead,
    inputCacheWrite: counts.cacheWrite,
    output: counts.output,
    outputReasoning: counts.thinking,
  });
}

/** The counts as sent: the SDKs' types require numbers, so unknown is 0 here and nowhere else. */
export function countsOf(usage: Usage): WireCounts {
  const cacheRead = usage.inputCached ?? 0;
  const cacheWrite = usage.inputCacheWrite ?? 0;
  const uncached = usage.inputUncached ?? Math.max(0, (usage.input ?? 0) - cacheRead - cacheWrite);
  return {
    input: uncached,
    cacheRead,
    cacheWrite,
    output: usage.output ?? 0,
    thinking: usage.outputReasoning,
  };
}

/** pi-ai 0.50 reads `input_tokens` from message_delta, so every usage object is complete. */
export function encodeUsage(usage: Usage): Record<string, unknown> {
  const counts = countsOf(usage);
  return {
    input_tokens: counts.input,
    cache_creation_input_tokens: counts.cacheWrite,
    cache_read_input_tokens: counts.cacheRead,
    output_tokens: counts.output,
    ...(counts.thinking === null ? {} : { output_tokens_details: { thinking_tokens: counts.thinking } }),
  };
}
