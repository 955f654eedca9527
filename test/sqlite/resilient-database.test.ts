// One SQLite file against what befalls it: damage, deletion, another version, another program, a lock, a disk that is read-only.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileOptions, inMemory } from "../../src/sqlite/database-file.ts";
import { ResilientDatabase } from "../../src/sqlite/resilient-database.ts";

const migrations = ["CREATE TABLE ours (n INTEGER)", "ALTER TABLE ours ADD COLUMN name TEXT"];
const options: FileOptions = {
  schema: { migrations, table: "ours", isShared: false },
  makesFolder: false,
  mayShrink: false,
};
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-sqlite-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "one.db");
}

function newDatabase() {
  const log: string[] = [];
  const note = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  let closed = 0;
  const database = new ResilientDatabase({
    name: "a file",
    log: { info: note("info"), warn: note("warn"), error: note("error") },
    nowMs: () => 1_000,
    prepare: () => ({ close: () => (closed += 1) }),
  });
  cleanups.push(() => database.close());
  return { database, log, closed: () => closed };
}

describe("opening", () => {
  test("brings every earlier version to this one's, and keeps its rows", () => {
    const path = newPath();
    const earlier = new Database(path, { create: true });
    earlier.run(migrations[0] ?? "");
    earlier.run("PRAGMA user_version = 1");
    earlier.run("INSERT INTO ours VALUES (7)");
    earlier.close();
    chmodSync(path, 0o644);
    const { database, log } = newDatabase();
    expect(database.open(path, options)).toBeNull();
    expect(database.current?.db.query("SELECT n, name FROM ours").all()).toEqual([{ n: 7, name: null }]);
    expect(database.current?.db.query("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(log).toEqual([]);
  });

  test.each([
    ["a newer build's", "PRAGMA user_version = 3", "its schema version is 3, this build knows up to 2"],
    ["another program's", "CREATE TABLE theirs (x)", "it is another program's database"],
  ])("%s is not touched", (_, statement, detail) => {
    const path = newPath();
    const theirs = new Database(path, { create: true });
    theirs.run(statement);
    theirs.close();
    const before = readFileSync(path);
    const { database } = newDatabase();
    expect(database.open(path, options)).toEqual({ kind: "foreign", detail });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(path, ".."))).toEqual(["one.db"]);
  });

  test("one that is locked is busy", () => {
    const path = newPath();
    const other = new Database(path, { create: true });
    cleanups.push(() => other.close());
    other.run("BEGIN EXCLUSIVE");
    expect(newDatabase().database.open(path, options)).toMatchObject({ kind: "busy" });
  });

  test("one that cannot be moved aside says why", () => {
    const path = newPath();
    writeFileSync(path, "no database ".repeat(1_000));
    // The name that it would get is taken by a folder.
    mkdirSync(`${path}.corrupt-1000`);
    const { database, log } = newDatabase();
    const trouble = database.open(path, options);
    expect(trouble).toMatchObject({ kind: "corrupt", detail: expect.stringContaining("SQLITE_NOTADB") });
    expect(trouble?.moveError).toBeString();
    expect(log).toEqual([]);
  });
});

describe("what is open", () => {
  test("is moved aside when a statement finds it damaged, and its user lets go of it first", () => {
    const path = newPath();
    const { database, log, closed } = newDatabase();
    database.open(path, options);
    writeFileSync(path, Buffer.alloc(statSync(path).size, 0x5a));
    const error = damageOf(path);
    expect(database.reportError(error)).toMatchObject({ kind: "corrupt" });
    expect(database.current).toBeNull();
    expect(closed()).toBe(1);
    expect(log).toEqual(["error a file is damaged: moved aside, a new one is started"]);
    expect(database.open(path, options)).toBeNull();
  });

  test("is let go of when another one lies at its path, which keeps its own journal", () => {
    const path = newPath();
    const other = newDatabase();
    other.database.open(`${path}.other`, options);
    const { database, log } = newDatabase();
    database.open(path, options);
    expect(database.isInPlace()).toBe(true);
    for (const suffix of ["", "-wal", "-shm"]) renameSync(`${path}.other${suffix}`, path + suffix);
    expect(database.isInPlace()).toBe(false);
    expect(database.current).toBeNull();
    expect(readdirSync(join(path, ".."))).toContain("one.db-wal");
    expect(log).toEqual(["warn a file was deleted or replaced: opened again"]);
  });

  test("in memory it is never moved", () => {
    const { database, log } = newDatabase();
    expect(database.open(inMemory, options)).toBeNull();
    expect(database.isInPlace()).toBe(true);
    database.reportError(damageOf(newPath()));
    expect(database.current).toBeNull();
    expect(log).toEqual([]);
  });
});

/** What SQLite throws of a file that is none. */
function damageOf(path: string): unknown {
  const broken = `${path}.broken`;
  writeFileSync(broken, "no database ".repeat(1_000));
  const db = new Database(broken);
  try {
    db.query("SELECT * FROM sqlite_master").all();
    return null;
  } catch (error) {
    return error;
  } finally {
    db.close();
  }
}
