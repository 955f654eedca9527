// What tenants have used in a day or a month, from the daily sums: the starting point of a budget after a restart.

import { and, eq, gte, lt, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { SpentQuery, TenantTotals } from "./metrics-store.ts";
import { usageDays } from "./tables.ts";

export function readTenantTotals(db: SqliteDatabase, { tenant, sinceMs, untilMs }: SpentQuery): TenantTotals {
  const sums = drizzle({ client: db })
    .select({
      input: sum(usageDays.inputTokens).mapWith(Number),
      output: sum(usageDays.outputTokens).mapWith(Number),
      nanoUsd: sum(usageDays.costNanoUsd).mapWith(Number),
    })
    .from(usageDays)
    .where(and(eq(usageDays.tenant, tenant), gte(usageDays.dayMs, sinceMs), lt(usageDays.dayMs, untilMs)))
    .get();
  return { tokens: (sums?.input ?? 0) + (sums?.output ?? 0), nanoUsd: sums?.nanoUsd ?? 0 };
}
