// How many requests each provider has answered since midnight UTC: one small read of the day's sums.

import { gte, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { RecordSource } from "./metrics-store.ts";
import { dayMs, usageDays } from "./tables.ts";

/** By provider id; a provider without a request is not in it. Null when there is no readable database. */
export function readRequestsToday(source: RecordSource, nowMs: number): ReadonlyMap<string, number> | null {
  const today = Math.floor(nowMs / dayMs) * dayMs;
  const rows = source.read((db) =>
    drizzle({ client: db })
      .select({ provider: usageDays.provider, requests: sum(usageDays.requests).mapWith(Number) })
      .from(usageDays)
      .where(gte(usageDays.dayMs, today))
      .groupBy(usageDays.provider)
      .all(),
  );
  return rows === null ? null : new Map(rows.map(({ provider, requests }) => [provider, requests]));
}
