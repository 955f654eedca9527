// A database opened to read: what can be read, what is refused and why; nothing of it changes.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openReadOnlyFile } from "../../src/sqlite/read-only-file.ts";
import { cleanupsAfterEach } from "../support/cleanups.ts";

const cleanups = cleanupsAfterEach();
const schema = { migrations: ["", ""], table: "rows", isShared: true };

function fileWith(version: number, table: string): string {
  const path = join(cleanups.folder("clawgate-read-only-"), "a.db");
  const db = new Database(path, { create: true });
  db.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY)`);
  db.run(`INSERT INTO ${table} VALUES (7)`);
  db.run(`PRAGMA user_version = ${version}`);
  db.close();
  return path;
}

const problemOf = (path: string): string => {
  const opened = openReadOnlyFile(path, schema);
  if ("problem" in opened) return opened.problem;
  opened.db.close();
  return "";
};

test("a file of this version is read, and cannot be written", () => {
  const path = fileWith(2, "rows");
  const before = readFileSync(path);
  const opened = openReadOnlyFile(path, schema);
  if ("problem" in opened) throw new Error(opened.problem);
  expect(opened.db.query("SELECT id FROM rows").all()).toEqual([{ id: 7 }]);
  expect(() => opened.db.run("INSERT INTO rows VALUES (8)")).toThrow("readonly");
  opened.db.close();
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("one of an older or newer version, of another program, or none is refused with a reason", () => {
  expect(problemOf(fileWith(1, "rows"))).toContain("older version");
  expect(problemOf(fileWith(3, "rows"))).toContain("schema version is 3");
  expect(problemOf(fileWith(0, "others"))).toBe("it holds no records of requests");
  const folder = cleanups.folder("clawgate-read-only-");
  expect(problemOf(join(folder, "none.db"))).toBe("it does not exist");
  mkdirSync(join(folder, "folder.db"));
  expect(problemOf(join(folder, "folder.db"))).toBe("it is not a regular file");
  writeFileSync(join(folder, "text.db"), "no database at all, but long enough to be looked at ".repeat(20));
  expect(problemOf(join(folder, "text.db"))).not.toBe("");
});
