// Another home of the records is one file: a class that implements MetricsStore and knows neither SQLite nor the gateway.

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { RequestRecord } from "../../src/canon/record.ts";
import { aggregateStats } from "../../src/metrics/aggregation.ts";
import type {
  MetricsStore,
  RecentQuery,
  SpentQuery,
  StatsQuery,
  TenantTotals,
} from "../../src/metrics/metrics-store.ts";
import { disabledMetricsStore } from "../../src/metrics/disabled-metrics-store.ts";
import type { RecentRow, StatsReport } from "../../src/metrics/report-shapes.ts";
import type { StoreStatus } from "../../src/metrics/store-status.ts";
import { importsOf } from "../support/source-text.ts";
import { noonMs, sampleRecord } from "./samples.ts";

const queries = disabledMetricsStore();

/** Stands for a server of PostgreSQL: every answer comes later. */
class RemoteMetricsStore implements MetricsStore {
  private readonly rows: RequestRecord[] = [];

  record(record: RequestRecord): void {
    this.rows.push(record);
  }
  async stats({ nowMs }: StatsQuery): Promise<StatsReport> {
    return { ...aggregateStats(null, nowMs), database: this.status() };
  }
  async recent(_query: RecentQuery): Promise<RecentRow[]> {
    return [];
  }
  async requestsToday(nowMs: number): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { provider, startedAtMs } of this.rows)
      if (provider !== null && startedAtMs <= nowMs) counts.set(provider, (counts.get(provider) ?? 0) + 1);
    return counts;
  }
  async spent({ tenant }: SpentQuery): Promise<TenantTotals> {
    const own = this.rows.filter((row) => row.tenant === tenant);
    return {
      tokens: own.reduce((sum, { usage }) => sum + (usage.input ?? 0) + (usage.output ?? 0), 0),
      nanoUsd: own.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0),
    };
  }
  readonly series = queries.series;
  readonly requests = queries.requests;
  readonly request = queries.request;
  readonly sessions = queries.sessions;
  readonly session = queries.session;
  readonly waste = queries.waste;
  readonly export = queries.export;
  async flush(): Promise<boolean> {
    return true;
  }
  setUpkeep(): void {}
  status(): StoreStatus {
    return {
      path: null,
      queued: 0,
      dropped: 0,
      written: this.rows.length,
      state: "ok",
      detail: null,
    };
  }
  async close(): Promise<void> {}
}

test("a class that knows no driver is a home", async () => {
  const store: MetricsStore = new RemoteMetricsStore();
  store.record(sampleRecord("one", { tenant: "red" }));
  expect(await store.requestsToday(noonMs)).toEqual(new Map([["alpha", 1]]));
  expect(await store.spent({ tenant: "red", sinceMs: 0, untilMs: noonMs })).toEqual({
    tokens: 1050,
    nanoUsd: 2_500_000,
  });
});

test("what the interface is made of names no driver and no file of one", async () => {
  const folder = join(import.meta.dir, "..", "..", "src", "metrics");
  const seen = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const imported of importsOf(await Bun.file(join(folder, name)).text())) {
      expect(imported).not.toMatch(/drizzle|sqlite/);
      if (imported.startsWith("./")) await visit(imported.slice(2));
    }
  };
  await visit("metrics-store.ts");
  expect([...seen].toSorted()).toEqual([
    "metrics-store.ts",
    "query-shapes.ts",
    "report-shapes.ts",
    "snake-case.ts",
    "store-status.ts",
  ]);
});
