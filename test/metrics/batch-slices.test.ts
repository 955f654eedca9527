// A batch is written a slice at a time, with other work of the process between: what a query, a lost file and a stop make of one that is
// half written.

import { afterEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { SqliteMetricsStore } from "../../src/metrics/sqlite-metrics-store.ts";
import { createStoreFixture, rowCount, sampleRecord, testStore } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

const rows = 250;
/** So much to write that no machine does it in one slice. */
const facts = { words: "x".repeat(20_000) };

const isHalfWritten = (store: SqliteMetricsStore): boolean => store.read((db) => db.inTransaction) === true;

async function halfWritten(store: SqliteMetricsStore): Promise<void> {
  await store.flush();
  for (let i = 0; i < rows; i++) store.record(sampleRecord(`r-${i}`, { facts }));
  while (!isHalfWritten(store)) await new Promise<void>((resolve) => setImmediate(resolve));
}

const ids = (store: SqliteMetricsStore): unknown =>
  store.read((db) => db.query("SELECT request_id FROM request_records ORDER BY id").values().flat());

const inOrder = Array.from({ length: rows }, (_, i) => `r-${i}`);

describe("a batch that is half written", () => {
  test("goes on by itself, and other work gets its turn between", async () => {
    const store = opened(join(place(), "clawgate.db"));
    await halfWritten(store);
    let turns = 0;
    for (; isHalfWritten(store); turns += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(turns).toBeGreaterThan(1);
    expect(store.status()).toMatchObject({ written: rows, queued: 0, dropped: 0 });
    expect(ids(store)).toEqual(inOrder);
    const sums = store.read((db) => db.query("SELECT sum(requests) AS n FROM usage_days").get());
    expect(sums).toEqual({ n: rows });
  });

  test("is whole for a query", async () => {
    const store = opened(join(place(), "clawgate.db"));
    await halfWritten(store);
    store.record(sampleRecord("last"));
    expect((await store.recent({ limit: 1 }))[0]?.request_id).toBe("last");
    expect(rowCount(store)).toBe(rows + 1);
  });

  test("is written again, once, to the file that takes the place of a deleted one", async () => {
    const path = join(place(), "clawgate.db");
    const store = opened(path);
    await halfWritten(store);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix);
    expect(await store.flush()).toBe(true);
    expect(store.status()).toMatchObject({ written: rows, dropped: 0, state: "ok" });
    const again = opened(path);
    expect(rowCount(again)).toBe(store.status().written);
    expect(ids(again)).toEqual(inOrder);
  });

  test("is finished by a stop", async () => {
    const path = join(place(), "clawgate.db");
    const store = testStore(path);
    await halfWritten(store);
    await store.close();
    expect(rowCount(opened(path))).toBe(rows);
  });
});
