// The store against files that are damaged, foreign, unwritable, deleted or replaced.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill, recordingLog, noonMs, rowCount, testStore, createStoreFixture } from "./samples.ts";

const { place, opened, clear } = createStoreFixture();
afterEach(clear);

describe("a file that is not what it should be", () => {
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ["no database at all", (path) => writeFileSync(path, "This is a letter to my aunt. ".repeat(100))],
    ["cut short", (path) => writeFileSync(path, readFileSync(path).subarray(0, 5000))],
    [
      "flipped bytes behind an intact header",
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 4096);
        writeFileSync(path, bytes);
      },
    ],
  ];
  for (const [name, damage] of damages)
    test(`${name}: moved aside, a fresh one is made, loudly`, async () => {
      const path = join(place(), "clawgate.db");
      const before = testStore(path);
      fill(before, "old", 200);
      await before.close();
      damage(path);
      const log = recordingLog();
      const store = opened(path, { log });
      fill(store, "new", 5);
      expect(await store.flush()).toBe(true);
      expect(rowCount(store)).toBe(5);
      expect(store.status()).toMatchObject({ path, state: "ok", dropped: 0 });
      expect(readdirSync(join(path, ".."))).toContain(`clawgate.db.corrupt-${noonMs}`);
      expect(log.heard.filter((line) => line.level === "error")).toHaveLength(1);
    });

  test("a newer build's file is never touched", async () => {
    const path = join(place(), "clawgate.db");
    const newer = new Database(path, { create: true });
    newer.run("CREATE TABLE request_records (other)");
    newer.run("PRAGMA user_version = 99");
    newer.close();
    const before = readFileSync(path);
    const store = opened(path);
    fill(store, "a", 3);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(3);
    expect(store.status().state).toBe("memory");
    expect(store.status().detail).toContain("99");
    await store.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(path, ".."))).toEqual(["clawgate.db"]);
  });

  test("ClawGate-py's file keeps its table and gets ours beside it", async () => {
    const path = join(place(), "clawgate.db");
    const python = new Database(path, { create: true });
    python.run("CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp REAL, provider TEXT)");
    python.run("INSERT INTO requests (timestamp, provider) VALUES (1.5, 'deepseek-chat')");
    python.close();
    const store = opened(path);
    fill(store, "a", 2);
    await store.flush();
    expect(rowCount(store)).toBe(2);
    expect(store.read((db) => db.query("SELECT provider FROM requests").all())).toEqual([
      { provider: "deepseek-chat" },
    ]);
  });

  test("tables that somebody changed by hand: the next path, and no crash", async () => {
    const folder = place();
    const path = join(folder, "clawgate.db");
    await testStore(path).close();
    const first = testStore(path);
    fill(first, "a", 1);
    await first.close();
    const editor = new Database(path);
    editor.run("ALTER TABLE request_records DROP COLUMN status");
    editor.close();
    const next = join(folder, "next.db");
    const store = opened(path, { paths: [path, next] });
    fill(store, "b", 2);
    expect(await store.flush()).toBe(true);
    expect(store.status()).toMatchObject({ path: next, state: "ok", written: 2 });
  });

  test("a path that cannot be written: a warning, and the next path", async () => {
    const folder = place();
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "folder.db"));
    const good = join(folder, "user", "clawgate.db");
    const log = recordingLog();
    const paths = [join(folder, "file", "clawgate.db"), join(folder, "folder.db"), good];
    const store = opened(good, { paths, log });
    fill(store, "a", 1);
    expect(await store.flush()).toBe(true);
    expect(store.status()).toMatchObject({ path: good, state: "ok" });
    expect(log.heard.filter((line) => line.level === "warn")).toHaveLength(2);
  });

  test("no path at all: kept in memory, and said so", async () => {
    const folder = place();
    writeFileSync(join(folder, "file"), "");
    const store = opened(join(folder, "file", "clawgate.db"));
    fill(store, "a", 3);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(3);
    expect(store.status()).toMatchObject({ path: ":memory:", state: "memory" });
    expect(store.status().detail).toContain(join(folder, "file", "clawgate.db"));
  });
});

describe("a file that goes away while it is in use", () => {
  test("deleted: made again", async () => {
    const path = join(place(), "clawgate.db");
    const store = opened(path);
    fill(store, "a", 3);
    await store.flush();
    rmSync(path);
    fill(store, "b", 2);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(2);
    await store.close();
    expect(new Database(path).query("SELECT count(*) AS n FROM request_records").get()).toEqual({ n: 2 });
  });

  test("its folder deleted: made again", async () => {
    const folder = join(place(), "data");
    const store = opened(join(folder, "clawgate.db"));
    fill(store, "a", 3);
    await store.flush();
    rmSync(folder, { recursive: true });
    fill(store, "b", 2);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(2);
  });

  test("replaced by another database: that one is used, and our journal does not spoil it", async () => {
    const folder = place();
    const [path, other] = [join(folder, "clawgate.db"), join(folder, "other.db")];
    const maker = testStore(other);
    fill(maker, "other", 7);
    await maker.close();
    const store = opened(path);
    fill(store, "a", 300);
    await store.flush();
    renameSync(other, path);
    fill(store, "b", 2);
    expect(await store.flush()).toBe(true);
    expect(rowCount(store)).toBe(9);
    expect(store.read((db) => db.query("PRAGMA integrity_check").get())).toEqual({ integrity_check: "ok" });
    expect(store.status().state).toBe("ok");
  });
});
