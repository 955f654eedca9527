// Sums that the reading thread keeps: read once, read again when they grew, and never those of another file.

import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { SqliteDatabase } from "../../src/sqlite/database-file.ts";
import { answerTo } from "../../src/metrics/record-questions.ts";
import { hourMs, hourRollups, writeRollupPiece } from "../../src/metrics/rollup.ts";
import { RollupCache } from "../../src/metrics/rollup-cache.ts";
import { counterIndex } from "../../src/metrics/record-counters.ts";
import { createStoreFixture, sampleRecord } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

const noonMs = Date.UTC(2026, 9, 24, 12);

async function filled(requests: number) {
  const store = opened(join(place(), "clawgate.db"));
  const add = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) store.record(sampleRecord(`r-${i}`, { startedAtMs: noonMs + i }));
    await store.flush();
    store.read((db) => {
      const piece = answerTo(db, { kind: "rollup" });
      if (piece !== null) writeRollupPiece(db, piece);
    });
  };
  await add(requests);
  return { store, add };
}

/** How many requests of the hour are counted, by what the cache answers. */
function counted(cache: RollupCache, db: SqliteDatabase): number {
  const [hour] = hourRollups(db, noonMs, noonMs + hourMs);
  if (hour === undefined) throw new Error("the hour has no sums");
  const column = cache.sums(db, hour)?.counter(counterIndex.requests);
  return [...(column ?? [])].reduce((sum, each) => sum + each, 0);
}

test("an hour is read once, and again when requests were added to it", async () => {
  const { store, add } = await filled(3);
  const cache = new RollupCache();
  expect(store.read((db) => counted(cache, db))).toBe(3);
  store.read((db) => db.run("CREATE TABLE aside AS SELECT * FROM rollups"));
  store.read((db) => db.run("UPDATE rollups SET data = x'00'"));
  expect(store.read((db) => counted(cache, db))).toBe(3);
  store.read((db) =>
    db.run("UPDATE rollups SET data = (SELECT data FROM aside WHERE aside.span_ms = rollups.span_ms)"),
  );
  await add(2);
  expect(store.read((db) => counted(cache, db))).toBe(5);
});

test("another file with as many requests in the same hour is read itself", async () => {
  const [first, second] = [await filled(4), await filled(4)];
  const cache = new RollupCache();
  expect(first.store.read((db) => counted(cache, db))).toBe(4);
  second.store.read((db) => db.run("DELETE FROM rollups WHERE span_ms = 900000"));
  second.store.read((db) => db.run("UPDATE rollups SET data = x'00'"));
  expect(() => second.store.read((db) => counted(cache, db))).toThrow();
});

test("older days of /api/stats are added up again only when one of them changed", async () => {
  const { store, add } = await filled(3);
  const cache = new RollupCache();
  const nowMs = noonMs + 10 * 86_400_000;
  const total = () =>
    store.read((db) => answerTo(db, { kind: "stats", nowMs, tenant: undefined }, cache))?.totals;
  expect(total()?.total_requests).toBe(3);
  // A change that adds no request is not one that a gateway makes: it shows that nothing was added up.
  store.read((db) => db.run("UPDATE usage_days SET input_tokens = input_tokens + 1000000"));
  const before = total()?.total_prompt_tokens ?? 0;
  expect(before).toBeLessThan(1_000_000);
  await add(2);
  expect(total()?.total_requests).toBe(5);
  expect(total()?.total_prompt_tokens).toBeGreaterThan(1_000_000);
  store.record(sampleRecord("new", { startedAtMs: nowMs }));
  await store.flush();
  expect(total()?.total_requests).toBe(6);
  store.read((db) => db.run("DELETE FROM usage_days WHERE day_ms < ?", [nowMs - 86_400_000]));
  expect(total()?.total_requests).toBe(1);
});
