// Sums per quarter of an hour, combined into hours and local days. Pure.

import { usd } from "./request-row.ts";
import type { DayRow, HourRow } from "./report-shapes.ts";

export type QuarterSums = Readonly<
  { quarterMs: number } & Record<"requests" | "failures" | "tokens" | "costNanoUsd", number | null>
>;

export function grouped<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

const hourMs = 3_600_000;

function trafficTotal(rows: readonly QuarterSums[]) {
  const add = (read: (row: QuarterSums) => number | null) =>
    rows.reduce((sum, row) => sum + (read(row) ?? 0), 0);
  return {
    requests: add((row) => row.requests),
    cost_usd: usd(add((row) => row.costNanoUsd)),
    tokens: add((row) => row.tokens),
    failures: add((row) => row.failures),
  };
}

export function hourlyOf(quarters: readonly QuarterSums[], nowMs: number): HourRow[] {
  const startMs = (Math.floor(nowMs / hourMs) - 23) * hourMs;
  const recent = quarters.filter((row) => row.quarterMs >= startMs && row.quarterMs < startMs + 24 * hourMs);
  const offset = (row: QuarterSums) => Math.floor((row.quarterMs - startMs) / hourMs);
  return [...grouped(recent, (row) => String(offset(row)))].map(([hour, rows]) => ({
    hour_offset: Number(hour),
    ...trafficTotal(rows),
    started_at: (startMs + Number(hour) * hourMs) / 1000,
  }));
}

/** The local date, as ClawGate shows it. */
function localDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function dailyOf(quarters: readonly QuarterSums[], nowMs: number): DayRow[] {
  const first = new Date(nowMs);
  first.setHours(0, 0, 0, 0);
  first.setDate(first.getDate() - 29);
  const recent = quarters.filter((row) => row.quarterMs >= first.getTime());
  return [...grouped(recent, (row) => localDay(row.quarterMs))].map(([day, rows]) => ({
    day,
    ...trafficTotal(rows),
  }));
}
