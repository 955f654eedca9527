// How many models' names have rows of their own in a day's sums, over batches, restarts and midnights.

import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { createModelNameLimit, maxUnlistedNames, otherModels } from "../../src/metrics/model-name-limit.ts";
import type { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { noonMs, sampleAttempt, sampleRecord, createStoreFixture } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

const dayMs = 86_400_000;
const isListed = (_provider: string, model: string): boolean => model.startsWith("listed-");

type Sent = {
  readonly model: string;
  readonly failure?: "unknown-model" | "upstream-error";
  readonly startedAtMs?: number;
};

function record(store: SqliteMetricsStore, { model, failure, startedAtMs = noonMs }: Sent): void {
  const outcome = failure === undefined ? "ok" : "failed";
  const isOk = failure === undefined;
  store.record(
    sampleRecord(`r-${model.slice(0, 40)}-${startedAtMs}`, {
      startedAtMs,
      model: isOk ? model : null,
      provider: isOk ? "alpha" : null,
      failure: failure ?? null,
      attempts: [sampleAttempt({ model, outcome, failure: failure ?? null, startedAtMs })],
    }),
  );
}

function namesIn(
  store: SqliteMetricsStore,
  table: "usage_days" | "attempt_days",
  atMs = noonMs,
): readonly string[] {
  const day = Math.floor(atMs / dayMs) * dayMs;
  const rows = store.read((db) =>
    db
      .query<{ model: string }, [number]>(
        `SELECT DISTINCT model FROM ${table} WHERE day_ms = ? ORDER BY model`,
      )
      .all(day),
  );
  return (rows ?? []).map(({ model }) => model);
}

const tables = ["usage_days", "attempt_days"] as const;

describe("invented names", () => {
  test("beyond the bound are one row, over restarts too; the config's have their own however late they come", async () => {
    const path = join(place(), "metrics.db");
    for (let start = 0; start < 3; start++) {
      const store = opened(path, { isListed, queueLimit: 100_000 });
      for (let at = 0; at < 1_000; at++) record(store, { model: `invented-${start}-${at}` });
      record(store, { model: `listed-${start}` });
      record(store, { model: "invented-0-1" });
      await store.flush();
      for (const table of tables) {
        const names = namesIn(store, table);
        expect([table, names.length]).toEqual([table, maxUnlistedNames + 1 + (start + 1)]);
        expect(names).toContain(`listed-${start}`);
        expect(names).toContain(otherModels);
        expect(names).toContain("invented-0-1");
      }
      await store.close();
    }
    const store = opened(path, { isListed });
    const { models, totals, providers } = await store.stats({ nowMs: noonMs });
    expect(models.length).toBe(maxUnlistedNames + 4);
    expect(models.find(({ model }) => model === otherModels)?.requests).toBe(3_000 - maxUnlistedNames);
    expect([totals.total_requests, providers.length]).toEqual([3_006, 1]);
  });

  test("that no upstream knows make no row of a model at all, and are counted all the same", async () => {
    const store = opened(join(place(), "metrics.db"), { isListed });
    for (let at = 0; at < 400; at++) record(store, { model: `invented-${at}`, failure: "unknown-model" });
    record(store, { model: "listed-1", failure: "unknown-model" });
    await store.flush();
    for (const table of tables) expect(namesIn(store, table)).toEqual(["", "listed-1"]);
    const { models, totals, providers } = await store.stats({ nowMs: noonMs });
    expect(models.map(({ model }) => model)).toEqual(["listed-1"]);
    expect([totals.total_failures, providers[0]?.failures]).toEqual([401, 401]);
  });

  test("that fail leave half of the room to those that answer", async () => {
    const store = opened(join(place(), "metrics.db"), { isListed });
    for (let at = 0; at < 900; at++) record(store, { model: `failing-${at}`, failure: "upstream-error" });
    record(store, { model: "answering" });
    await store.flush();
    for (const table of tables) {
      const names = namesIn(store, table);
      expect(names.length).toBe(maxUnlistedNames / 2 + 2);
      expect(names).toContain("answering");
    }
  });

  test("of many days, or of a file that an older build wrote, are a list of a thousand in the statistics", async () => {
    const store = opened(join(place(), "metrics.db"), { isListed, queueLimit: 100_000 });
    for (let day = 0; day < 4; day++)
      for (let at = 0; at < maxUnlistedNames; at++)
        record(store, { model: `invented-${day}-${at}`, startedAtMs: noonMs - day * dayMs });
    for (let turn = 0; turn < 3; turn++) record(store, { model: "listed-1", startedAtMs: noonMs - turn });
    await store.flush();
    const { models, totals } = await store.stats({ nowMs: noonMs });
    expect(models.length).toBe(1_001);
    expect(models.find(({ model }) => model === "listed-1")?.requests).toBe(3);
    expect(models.reduce((sum, { requests }) => sum + requests, 0)).toBe(totals.total_requests);
  });

  test("have new room on the next day, and a clock that steps about gives no more of it", async () => {
    const store = opened(join(place(), "metrics.db"), { isListed, queueLimit: 100_000 });
    const days = [0, 1, 0, -1, 1, 5, 9, 12, 0, 1];
    for (const [turn, day] of days.entries())
      for (let at = 0; at < 300; at++)
        record(store, { model: `invented-${turn}-${at}`, startedAtMs: noonMs + day * dayMs });
    await store.flush();
    for (const day of new Set(days))
      for (const table of tables)
        expect(namesIn(store, table, noonMs + day * dayMs).length).toBeLessThanOrEqual(maxUnlistedNames + 1);
  });
});

test("in any order: never more names than allowed, never a listed one among the rest", () => {
  const asked = fc.record({
    day: fc.nat({ max: 6 }),
    model: fc.oneof(
      fc.nat({ max: 1_200 }).map((at) => `invented-${at}`),
      fc.nat({ max: 40 }).map((at) => `listed-${at}`),
      fc.constantFrom("", otherModels),
    ),
    standing: fc.constantFrom("answered" as const, "failed" as const, "unknown-model" as const),
  });
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 3_000, size: "max" }), (all) => {
      const rows = new Map<number, Set<string>>();
      const names = createModelNameLimit({
        isListed,
        storedNames: (day, limit) =>
          [...(rows.get(day) ?? [])].slice(0, limit).map((model) => ({ provider: "alpha", model })),
      });
      for (const { day, model, standing } of all) {
        const shown = names.countedAs(day * dayMs, "alpha", model, standing);
        if (isListed("alpha", model) && shown !== model) return false;
        if (shown !== model && shown !== otherModels && shown !== "") return false;
        const row = rows.get(day * dayMs) ?? new Set<string>();
        rows.set(day * dayMs, row.add(shown));
        const invented = [...row].filter((each) => each.startsWith("invented-"));
        if (invented.length > maxUnlistedNames) return false;
      }
      return true;
    }),
    { numRuns: 30, verbose: true },
  );
});
