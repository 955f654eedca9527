// How many requests each provider has answered since midnight UTC: one small read of the day's sums.

import { gte, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { dayMs, usageDays } from "./tables.ts";

/** By provider id; a provider without requests is not in it. */
export function readRequestsToday(db: SqliteDatabase, nowMs: number): ReadonlyMap<string, number> {
  const today = Math.floor(nowMs / dayMs) * dayMs;
  const rows = drizzle({ client: db })
    .select({ provider: usageDays.provider, requests: sum(usageDays.requests).mapWith(Number) })
    .from(usageDays)
    .where(gte(usageDays.dayMs, today))
    .groupBy(usageDays.provider)
    .all();
  return new Map(rows.map(({ provider, requests }) => [provider, requests]));
}
