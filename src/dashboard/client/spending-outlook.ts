// What this month will cost if it goes on as it did: the days that are over, carried on to the month's end. An estimate.

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
