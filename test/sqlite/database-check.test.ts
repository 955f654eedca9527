// What `clawgate doctor` says of a database that is whole, absent, foreign or damaged.

import { afterEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabaseFile } from "../../src/sqlite/database-file.ts";
import { schema } from "../../src/metrics/records-file.ts";
import { checkDatabaseFile } from "../../src/sqlite/database-check.ts";
import { inMemory } from "../../src/sqlite/database-file.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-inspection-"));
  folders.push(folder);
  return join(folder, "records.db");
}
function ours(path: string): Database {
  const opened = openDatabaseFile(path, { schema, makesFolder: true, mayShrink: true, pageSize: 8192 });
  if (opened.kind !== "open") throw new Error(opened.kind);
  return opened.file.db;
}

test("absent, in memory, and one that a gateway has open", () => {
  const path = newPath();
  expect(checkDatabaseFile(path, schema, true)).toEqual({ kind: "absent" });
  expect(checkDatabaseFile(inMemory, schema, true)).toEqual({ kind: "memory" });
  const db = ours(path);
  expect(checkDatabaseFile(path, schema, true)).toMatchObject({ kind: "whole", rows: 0, wasChecked: true });
  expect(checkDatabaseFile(path, schema, false)).toMatchObject({ kind: "whole", wasChecked: false });
  db.close();
  expect(checkDatabaseFile(path, schema, true)).toMatchObject({ kind: "whole", rows: 0 });
});

test("another program's, and one of a newer build", () => {
  const path = newPath();
  const db = new Database(path);
  db.run("CREATE TABLE theirs (x)");
  expect(checkDatabaseFile(path, schema, true)).toEqual({
    kind: "foreign",
    detail: "it is another program's database",
  });
  db.run("PRAGMA user_version = 1000");
  expect(checkDatabaseFile(path, schema, true)).toMatchObject({
    kind: "foreign",
    detail: expect.stringContaining("1000"),
  });
  db.close();
});

test("no database, and one with a page that was overwritten", () => {
  const path = newPath();
  writeFileSync(path, "x".repeat(10_000));
  expect(checkDatabaseFile(path, schema, true)).toMatchObject({ kind: "damaged" });
  const other = newPath();
  const db = ours(other);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  const bytes = readFileSync(other);
  bytes.fill(0x58, 8192 * 2, 8192 * 4);
  writeFileSync(other, bytes);
  expect(checkDatabaseFile(other, schema, true)).toMatchObject({ kind: "damaged" });
  expect(checkDatabaseFile(newPath().replace("/records.db", ""), schema, true)).toMatchObject({
    kind: "unreadable",
  });
});
