// Reading a database that another process writes.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openReader } from "../../src/metrics/reader.ts";
import { createReports } from "../../src/metrics/reports.ts";
import { noonMs, sampleRecord, temporaryFolder, testStore } from "./samples.ts";

test("reads beside a running store, and after it", async () => {
  const folder = temporaryFolder();
  const path = join(folder.path, "clawgate.db");
  const store = testStore(path);
  store.record(sampleRecord("a"));
  await store.flush();
  const beside = openReader(path);
  expect((await createReports(beside).stats({ nowMs: noonMs })).totals.total_requests).toBe(1);
  beside.close();
  await store.close();
  const after = openReader(path);
  expect(await createReports(after).recent({})).toHaveLength(1);
  expect(() => after.read((db) => db.run("DELETE FROM request_records"))).toThrow("readonly");
  after.close();
  folder.remove();
});

test("says why nothing can be read", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, "other.db");
  expect(openReader(path).status()).toMatchObject({ state: "failed" });
  const other = new Database(path, { create: true });
  other.run("CREATE TABLE mine (a)");
  other.close();
  const before = readFileSync(path);
  const reader = openReader(path);
  expect(reader.read(() => 1)).toBeNull();
  expect(reader.status().detail).toContain("no records of this program");
  expect(readFileSync(path).equals(before)).toBe(true);
  folder.remove();
});
