// What is known of a time's cost, and what this month will cost if it goes on as it did: the days that are over, carried on to the month's end. An estimate.

import type { Sums } from "../../metrics/query-shapes.ts";

/** Null: there were requests of unknown cost, and nothing else that cost anything. A sum of nothing would look like a gift. */
export function knownCost(
  sums: Pick<Sums, "unknown_cost_requests" | "flat_rate_list_usd" | "cost_usd"> | null | undefined,
): number | null {
  if (sums === null || sums === undefined) return null;
  const { cost_usd: cost, unknown_cost_requests: unknown, flat_rate_list_usd: list } = sums;
  return cost === 0 && unknown > 0 && list === 0 ? null : cost;
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
