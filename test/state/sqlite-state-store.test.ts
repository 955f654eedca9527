// The file behind the state: what survives a restart, and that no file, however broken, stops the service.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type StateFixture, createStateFixture } from "./state-fixture.ts";

const homes: StateFixture[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});
const newHome = (): StateFixture => {
  const home = createStateFixture();
  homes.push(home);
  return home;
};
/** What this process holds open in a folder (Linux). */
function openFiles(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The one by which the list was read.
      return [];
    }
  });
}
const warnings = (home: StateFixture): string[] => home.log.filter((line) => line.startsWith("warn"));

describe("a restart", () => {
  test("brings back what was closed well, without what is over", async () => {
    const home = newHome();
    const first = home.open();
    await first.set("health", "a", { n: 1 }, home.clock.nowMs() + 60_000);
    await first.set("health", "b", { n: 2 }, home.clock.nowMs() + 1_000);
    await first.set("health", "c", { n: 3 }, null);
    await first.delete("health", "c");
    await first.close();
    await home.clock.advance(1_000);
    const second = home.open();
    expect(await second.list("health")).toEqual([
      { key: "a", value: { n: 1 }, expiresAtMs: home.clock.nowMs() + 59_000 },
    ]);
    expect(second.status()).toMatchObject({ state: "ok", path: home.path, detail: null });
    await second.close();
    expect(home.log).toEqual([]);
    expect(readdirSync(home.folder)).toEqual(["state.db"]);
  });

  test("brings back what a build from before drizzle-kit wrote the migrations has left", async () => {
    const home = newHome();
    const earlier = new Database(home.path, { create: true });
    earlier.run(`CREATE TABLE IF NOT EXISTS state (
      namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at_ms INTEGER,
      PRIMARY KEY (namespace, key)
    ) WITHOUT ROWID`);
    earlier.run("PRAGMA user_version = 1");
    earlier.run("INSERT INTO state VALUES ('health', 'a', '{\"n\":1}', NULL)");
    earlier.close();
    const store = home.open();
    expect(await store.get("health", "a")).toEqual({ n: 1 });
    await store.close();
    expect(home.log).toEqual([]);
  });

  test("brings back what a killed process had written a quarter of a second before", async () => {
    const home = newHome();
    const first = home.open();
    await first.set("health", "a", 1, null);
    await first.set("health", "b", 2, null);
    expect(home.clock.waiting()).toBe(1);
    await home.clock.advance(250);
    await first.set("health", "c", 3, null);
    // Not closed: another one looks at the same file, as after kill -9.
    const second = home.open();
    expect((await second.list("health")).map((row) => row.key)).toEqual(["a", "b"]);
    await first.close();
    await second.close();
  });

  test("the file is for its owner alone", async () => {
    const home = newHome();
    writeFileSync(home.path, "", { mode: 0o644 });
    chmodSync(home.path, 0o644);
    const store = home.open();
    await store.set("health", "a", 1, null);
    await store.flush();
    for (const name of readdirSync(home.folder))
      expect(statSync(`${home.folder}/${name}`).mode & 0o077).toBe(0);
    await store.close();
  });
});

describe("a file that cannot be used", () => {
  test.each([
    ["noise", "not a database at all, and long enough to be read as one".repeat(40)],
    ["a header and then noise", `SQLite format 3\0${"x".repeat(8_192)}`],
  ])("%s: moved aside, a new one is started, one warning", async (_, content) => {
    const home = newHome();
    writeFileSync(home.path, content);
    const store = home.open();
    await store.set("health", "a", 1, null);
    await store.close();
    expect(warnings(home)).toHaveLength(1);
    const aside = readdirSync(home.folder).find((name) => name.startsWith("state.db.corrupt-"));
    expect(readFileSync(`${home.folder}/${aside}`, "utf8")).toBe(content);
    const next = home.open();
    expect(await next.get("health", "a")).toBe(1);
    await next.close();
  });

  test.skipIf(process.platform !== "linux")("damaged behind its first pages: let go of at once", async () => {
    const home = newHome();
    const first = home.open();
    for (let i = 0; i < 400; i++) await first.set("health", `k${i}`, "x".repeat(200), null);
    await first.close();
    const bytes = readFileSync(home.path);
    writeFileSync(home.path, bytes.fill(0x5a, 2 * 4_096));
    const store = home.open();
    expect(warnings(home)).toEqual(["warn state file is damaged: moved aside, a new one is started"]);
    expect(openFiles(home.folder).filter((path) => path.includes(".corrupt-"))).toEqual([]);
    await store.close();
  });

  test("damaged while it is open: everything that is known goes into a new one", async () => {
    const home = newHome();
    const store = home.open();
    // More than SQLite keeps in memory: it must read the file to write into it.
    const text = "x".repeat(20_000);
    for (let i = 0; i < 400; i++) await store.set("health", `k${i}`, text, null);
    await store.close();
    const again = home.open();
    writeFileSync(home.path, Buffer.alloc(statSync(home.path).size, 0x5a));
    for (let i = 0; i < 400; i += 20) await again.set("health", `k${i}`, "new", null);
    await again.flush();
    await again.flush();
    expect(warnings(home)).toEqual(["warn state file is damaged: moved aside, a new one is started"]);
    expect(await again.get("health", "k7")).toBe(text);
    await again.close();
    const last = home.open();
    expect(await last.get("health", "k20")).toBe("new");
    expect(await last.list("health")).toHaveLength(400);
    await last.close();
  });

  test("locked by somebody else: memory serves, one warning, and it is written once that is over", async () => {
    const home = newHome();
    const seed = home.open();
    await seed.set("health", "old", 1, null);
    await seed.close();
    const other = new Database(home.path);
    other.run("PRAGMA locking_mode = EXCLUSIVE");
    other.run("BEGIN EXCLUSIVE");
    const store = home.open();
    await store.set("health", "a", 2, null);
    expect(await store.get("health", "a")).toBe(2);
    await store.flush();
    expect(store.status().state).toBe("memory");
    await home.clock.advance(120_000);
    expect(warnings(home)).toHaveLength(1);
    other.run("COMMIT");
    other.close();
    await home.clock.advance(30_000);
    expect(store.status().state).toBe("ok");
    expect(await store.get("health", "old")).toBe(1);
    await store.close();
    const next = home.open();
    expect(await next.get("health", "a")).toBe(2);
    expect(await next.get("health", "old")).toBe(1);
    await next.close();
    expect(home.log.at(-1)).toBe("info state file works again");
  });

  test("locked only while it writes: kept until it can be written", async () => {
    const home = newHome();
    const store = home.open();
    const other = new Database(home.path);
    other.run("BEGIN IMMEDIATE");
    await store.set("health", "a", 1, null);
    await home.clock.advance(250);
    expect(warnings(home)).toHaveLength(1);
    other.run("COMMIT");
    other.close();
    await home.clock.advance(30_000);
    expect(store.status().state).toBe("ok");
    await store.close();
    const next = home.open();
    expect(await next.get("health", "a")).toBe(1);
    await next.close();
  });

  test.each([
    ["another program's", "CREATE TABLE theirs (x)"],
    ["a newer build's", "PRAGMA user_version = 99"],
  ])("%s database is not touched", async (_, statement) => {
    const home = newHome();
    const theirs = new Database(home.path, { create: true });
    theirs.run(statement);
    theirs.close();
    const before = readFileSync(home.path);
    const store = home.open();
    await store.set("health", "a", 1, null);
    expect(await store.get("health", "a")).toBe(1);
    await store.close();
    expect(readFileSync(home.path).equals(before)).toBe(true);
    expect(warnings(home)).toHaveLength(1);
  });

  test("a folder in its place, and a folder that is not there", async () => {
    const home = newHome();
    mkdirSync(home.path);
    const store = home.open();
    await store.set("health", "a", 1, null);
    expect(await store.get("health", "a")).toBe(1);
    await store.close();
    expect(warnings(home)).toHaveLength(1);
    home.remove();
    const second = home.open();
    await second.set("health", "a", 2, null);
    expect(await second.get("health", "a")).toBe(2);
    await second.close();
    expect(warnings(home)).toHaveLength(2);
  });

  test("a folder in its place that goes away again: also with nothing to write that is seen", async () => {
    const home = newHome();
    mkdirSync(home.path);
    const store = home.open();
    store.checkFile();
    expect(store.status().state).toBe("memory");
    rmdirSync(home.path);
    store.checkFile();
    expect(store.status().state).toBe("memory");
    await home.clock.advance(30_000);
    store.checkFile();
    expect(store.status()).toMatchObject({ state: "ok", detail: null });
    await store.close();
  });

  test("a row that is no JSON is passed over", async () => {
    const home = newHome();
    const store = home.open();
    await store.set("health", "good", 1, null);
    await store.close();
    const db = new Database(home.path);
    db.run("INSERT INTO state VALUES ('health', 'bad', '{', NULL)");
    db.close();
    const next = home.open();
    expect((await next.list("health")).map((row) => row.key)).toEqual(["good"]);
    await next.close();
  });
});

describe("a file that is taken away while it is open", () => {
  const removeAll = (home: StateFixture): void => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(home.path + suffix, { force: true });
  };
  const ways: readonly (readonly [string, (home: StateFixture) => void])[] = [
    ["deleted with its journal", removeAll],
    ["deleted alone", (home) => rmSync(home.path)],
    ["robbed of its journal", (home) => rmSync(`${home.path}-wal`)],
    ["emptied", (home) => truncateSync(home.path)],
    [
      "emptied with its journal",
      (home) => {
        truncateSync(home.path);
        truncateSync(`${home.path}-wal`);
      },
    ],
    [
      "robbed of its table",
      (home) => {
        const other = new Database(home.path);
        other.run("DROP TABLE state");
        other.close();
      },
    ],
    ["moved", (home) => renameSync(home.path, `${home.path}.moved`)],
    ["replaced by noise", (home) => (removeAll(home), writeFileSync(home.path, "noise ".repeat(1_000)))],
    ["replaced by an empty file", (home) => (rmSync(home.path), writeFileSync(home.path, ""))],
    [
      "replaced by an older copy",
      (home) => {
        copyFileSync(`${home.folder}/older`, `${home.path}.new`);
        renameSync(`${home.path}.new`, home.path);
      },
    ],
  ];

  test.each(ways)("%s: made again with all that is known", async (_, take) => {
    const home = newHome();
    const seed = home.open();
    await seed.set("health", "old", "from the copy", null);
    await seed.set("health", "a", "older", null);
    await seed.close();
    copyFileSync(home.path, `${home.folder}/older`);
    const store = home.open();
    await store.set("health", "a", 1, null);
    await store.set("spending", "b", 2, null);
    await store.flush();
    take(home);
    store.checkFile();
    await store.set("health", "c", 3, null);
    await home.clock.advance(500);
    expect(store.status().state).toBe("ok");
    expect(warnings(home)[0]).toMatch(
      /^warn state file (?:was deleted or replaced: opened again|is damaged)/,
    );
    // As after kill -9: another one reads what lies there.
    const next = home.open();
    expect(await next.get("health", "a")).toBe(1);
    expect(await next.get("spending", "b")).toBe(2);
    expect(await next.get("health", "c")).toBe(3);
    await next.close();
    await store.close();
    const last = home.open();
    expect(await last.get("health", "c")).toBe(3);
    await last.close();
  });

  test("nothing has changed since: the look alone is enough, and so is the end", async () => {
    const home = newHome();
    const store = home.open();
    await store.set("health", "a", 1, null);
    await store.flush();
    removeAll(home);
    store.checkFile();
    await home.clock.advance(250);
    const next = home.open();
    expect(await next.get("health", "a")).toBe(1);
    await next.close();
    removeAll(home);
    await store.close();
    const last = home.open();
    expect(await last.get("health", "a")).toBe(1);
    await last.close();
  });

  test("its directory belongs to somebody else by now: nothing is opened there", async () => {
    const home = newHome();
    let mayOpen = true;
    const store = home.open(() => mayOpen);
    await store.set("health", "a", 1, null);
    await store.flush();
    removeAll(home);
    mayOpen = false;
    await store.set("health", "b", 2, null);
    await store.flush();
    expect(store.status()).toMatchObject({
      state: "memory",
      detail: expect.stringContaining("belongs to another gateway"),
    });
    expect(await store.get("health", "a")).toBe(1);
    await store.close();
    expect(readdirSync(home.folder)).toEqual([]);
  });
});
