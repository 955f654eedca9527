// Who moves the journal into the file: the reading thread long before SQLite does it here, and what happens when that thread does not.

import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { Database } from "bun:sqlite";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { QueryWorker } from "../../src/metrics/query-worker.ts";
import { checkpointJournal } from "../../src/sqlite/journal-checkpoint.ts";
import { createStoreFixture, fill, rowCount, testStore, until } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
const spies: { mockRestore(): void }[] = [];
afterEach(async () => {
  for (const spy of spies.splice(0)) spy.mockRestore();
  await clear();
});

/** A number in the journal's header that is one more each time it is begun anew. */
const journalRound = (path: string): number => readFileSync(`${path}-wal`).readUInt32BE(16);

function checkpointsAnswer(answer: () => Promise<string | null>): void {
  spies.push(spyOn(QueryWorker.prototype, "checkpoint").mockImplementation(answer));
}

async function writeBatches(store: ReturnType<typeof opened>, batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    fill(store, `b${batch}`, 250);
    await store.flush();
  }
}

describe("the journal of the records", () => {
  test("is moved into the file by the other thread, long before SQLite would do it in this one", async () => {
    const path = join(place(), "clawgate.db");
    const store = testStore(path, { closeWaitMs: 5_000 });
    await writeBatches(store, 1);
    const first = journalRound(path);
    // As the clock writes them: a query that needs a row writes it even while the other thread is at work.
    for (let batch = 0; batch < 40; batch++) {
      fill(store, `c${batch}`, 250);
      await until(() => store.status().queued === 0);
    }
    await until(() => journalRound(path) > first);
    const limit = store.read((db) => db.query("PRAGMA wal_autocheckpoint").values()[0]?.[0]);
    expect(limit).toBe(4_000);
    expect(statSync(`${path}-wal`).size).toBeLessThan(2_000 * 8_192);
    await writeBatches(store, 3);
    expect(rowCount(store)).toBe(44 * 250);
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("stays bounded when that thread does nothing", async () => {
    checkpointsAnswer(() => Promise.resolve("it is dead"));
    const path = join(place(), "clawgate.db");
    const store = opened(path, { queueLimit: 1_000_000 });
    await writeBatches(store, 1);
    const first = journalRound(path);
    for (let round = 0; journalRound(path) === first && round < 40; round++) await writeBatches(store, 20);
    expect(journalRound(path)).toBeGreaterThan(first);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(3_900 * 8_192);
    expect(statSync(`${path}-wal`).size).toBeLessThan(4_400 * 8_192);
  }, 60_000);

  test("holds nothing up for long: a query gets its rows, and a filling queue is written", async () => {
    checkpointsAnswer(() => new Promise(() => undefined));
    const store = opened(join(place(), "clawgate.db"), { queueLimit: 2_000 });
    await writeBatches(store, 33);
    fill(store, "waits", 300);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(store.status().queued).toBe(300);
    expect((await store.recent({ limit: 1 }))[0]?.request_id).toBe("waits-299");
    fill(store, "many", 1_200);
    await until(() => store.status().queued < 1_000);
    expect(store.status().dropped).toBe(0);
  });

  test("is not made longer where another program writes, and is left where there is none", () => {
    const path = join(place(), "other.db");
    const db = new Database(path, { create: true });
    db.run("CREATE TABLE things (name TEXT)");
    expect(checkpointJournal(path)).toBe(false);
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA user_version = 7");
    db.run("INSERT INTO things VALUES ('a')");
    db.run("BEGIN IMMEDIATE");
    expect(checkpointJournal(path)).toBe(false);
    db.run("ROLLBACK");
    const before = journalRound(path);
    expect(checkpointJournal(path)).toBe(true);
    expect(journalRound(path)).toBe(before + 1);
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: 7 });
    db.close();
  });
});
