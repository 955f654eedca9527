// What is known of a time's cost, and what this month will cost if it goes on as it did: the days that are over, carried on to the month's end. An estimate.

import type { Sums } from "../../metrics/query-shapes.ts";

/** Null: there were requests, and the cost of none of them is known. A sum of nothing would look like a gift. */
export function knownCost(
  sums: Pick<Sums, "requests" | "unknown_cost_requests" | "cost_usd"> | null | undefined,
): number | null {
  if (sums === null || sums === undefined) return null;
  return sums.requests > 0 && sums.unknown_cost_requests >= sums.requests && sums.cost_usd === 0
    ? null
    : sums.cost_usd;
}

export type MonthBounds = { readonly startMs: number; readonly endMs: number };

/** In the viewer's own zone, as the Date object knows it. */
export function monthAt(nowMs: number): MonthBounds {
  const now = new Date(nowMs);
  return {
    startMs: new Date(now.getFullYear(), now.getMonth(), 1).getTime(),
    endMs: new Date(now.getFullYear(), now.getMonth() + 1, 1).getTime(),
  };
}

export function dayStart(nowMs: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
}

const hourMs = 3_600_000;

/** Null in the month's first hour: one request would be made into a fortune. */
export function projection(spentUsd: number, { startMs, endMs }: MonthBounds, nowMs: number): number | null {
  const elapsed = nowMs - startMs;
  if (elapsed < hourMs) return null;
  return spentUsd * ((endMs - startMs) / Math.min(elapsed, endMs - startMs));
}
