// How numbers and texts of a record are cut to size, and what is derived from a record: the provider to show, the number of
// attempts, the effect of the cache. Pure.

import type { AttemptRecord, RequestRecord } from "../canon/record.ts";

const longestText = 512;

export function boundedText(value: string): string;
export function boundedText(value: string | null): string | null;
export function boundedText(value: string | null): string | null {
  return value === null || value.length <= longestText ? value : value.slice(0, longestText);
}

export function wholeNumber(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value);
}

/** Three decimals. */
export function threeDecimals(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;
}

function lastAttempt(record: RequestRecord): AttemptRecord | undefined {
  return record.attempts.findLast((attempt) => attempt.outcome !== "skipped") ?? record.attempts.at(-1);
}

/** The provider to show: the one that answered, else the last that was really tried; "" for none. */
export function displayProvider(record: RequestRecord): string {
  return boundedText(record.provider ?? lastAttempt(record)?.provider ?? "");
}

export function displayModel(record: RequestRecord): string {
  return boundedText(record.model ?? lastAttempt(record)?.model ?? "");
}

export function attemptCount(record: RequestRecord): number {
  let count = 0;
  for (const attempt of record.attempts) if (attempt.outcome !== "skipped") count += 1;
  return count;
}

/** Tokens known to come from the cache; 0 if the vendor did not report it. */
export function cacheHit(inputCached: number | null): number {
  return inputCached ?? 0;
}

/** Tokens known to have missed the cache; 0 if the vendor did not report it. */
export function cacheMiss(input: number | null, inputCached: number | null): number {
  return inputCached === null ? 0 : Math.max(0, (input ?? inputCached) - inputCached);
}

const longestTags = 2_048;

/** As a JSON array; null for none. */
export function tagsText(tags: readonly string[]): string | null {
  if (tags.length === 0) return null;
  const written = JSON.stringify(tags);
  return written.length <= longestTags
    ? written
    : JSON.stringify(tags.slice(0, 10).map((tag) => tag.slice(0, 50)));
}

/** Nano-USD of which the amount may be unknown although there is one. Undefined is none at all. */
export function maybeUnknown(nanoUsd: number | null | undefined): number | null {
  return nanoUsd === undefined ? null : (wholeNumber(nanoUsd) ?? unknownAmount);
}

/** A record with this amount has one, but nobody knows how much. */
export const unknownAmount = -1;

/** A client that left is not a failure of any provider. */
export function outcomeOf(failure: string | null): "ok" | "failed" | "cancelled" {
  if (failure === null) return "ok";
  return failure === "cancelled" ? "cancelled" : "failed";
}
