// The store of kept answers: its bounds, whose answers make room, what a conversation's answers share, and what is on disk.

import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeptAnswer } from "../../src/canon/kept-answer.ts";
import { AnswerTable } from "../../src/response-store/answer-table.ts";
import { ResponseStore } from "../../src/response-store/response-store.ts";
import { responsesStoreSettings, type ResponsesStoreSettings } from "../../src/response-store/settings.ts";
import { fakeClock } from "../support/clock.ts";
import { eventually } from "../support/eventually.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "clawgate-responses-"));
  folders.push(folder);
  return join(folder, "responses", "responses.db");
}

type Fields = Partial<Omit<KeptAnswer, "output">> & { readonly text?: string };

function answer(id: string, { text = "words", ...fields }: Fields = {}): KeptAnswer {
  return {
    id,
    tenant: null,
    createdMs: 1_000_000,
    status: "completed",
    response: JSON.stringify({ id }),
    history: [{ key: `${id}/in`, text: `{"in":"${id}"}` }],
    ...fields,
    output: { key: `${id}/out`, text },
  };
}

function open(path: string, given: Partial<ResponsesStoreSettings>, nowMs = 1_000_000) {
  const clock = fakeClock(nowMs);
  const lines: string[] = [];
  const log = {
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
    error: (line: string) => void lines.push(line),
  };
  const settings = { current: responsesStoreSettings.parse(given) };
  const store = new ResponseStore({ clock, log, settings: () => settings.current, path });
  return { store, clock, lines, settings };
}

/** Whether the file or its journal holds this text. */
const holds = (path: string, text: string): boolean =>
  readdirSync(join(path, "..")).some((name) => readFileSync(join(path, "..", name)).includes(text));

test("the tenant with the most makes room, its least used answers first", () => {
  const table = new AnswerTable();
  const removed: string[] = [];
  const large = "x".repeat(10_000);
  for (const id of ["a1", "a2", "a3", "a4"])
    table.add(answer(id, { tenant: "alice", text: large }), 45_000, (gone) => removed.push(gone));
  table.add(answer("b1", { tenant: "bob", text: "small" }), 45_000, (gone) => removed.push(gone));
  expect(removed).toEqual([]);
  expect(table.find("a1", "alice")?.id).toBe("a1");
  table.add(answer("b2", { tenant: "bob", text: large }), 45_000, (gone) => removed.push(gone));
  expect(removed).toEqual(["a2"]);
  expect(table.find("b1", "bob")?.id).toBe("b1");
  expect(table.find("b1", "alice")).toBeNull();
  expect(table.find("b1", null)).toBeNull();
});

test("what a conversation's answers share is counted once, and nothing is left after the last", () => {
  const table = new AnswerTable();
  const part = { key: "first/out", text: "x".repeat(100_000) };
  for (let turn = 0; turn < 50; turn++)
    table.add(answer(`t${turn}`, { history: [part] }), 1_000_000, () => undefined);
  expect(table.bytes).toBeLessThan(150_000);
  for (let turn = 0; turn < 50; turn++) expect(table.remove(`t${turn}`, null)).toBe(true);
  expect(table.bytes).toBe(0);
  expect(table.usage()).toEqual([]);
});

test("an answer that is larger than the store is not kept, and said so", () => {
  const { store, lines } = open(newPath(), { max_mb: 1 });
  store.keep(answer("small"));
  store.keep(answer("large", { text: "x".repeat(2_000_000) }));
  expect(store.find("large", null)).toBeNull();
  expect(store.report()).toMatchObject({ refused: 1 });
  expect(lines.join()).toContain("responses_store.max_mb");
});

test("an answer grows old, also without a sweep, and the sweep frees what nobody asks for", async () => {
  const { store, clock } = open(newPath(), { ttl_h: 1 });
  store.keep(answer("a", { createdMs: clock.nowMs() }));
  store.keep(answer("b", { createdMs: clock.nowMs() }));
  await clock.advance(59 * 60_000);
  expect(store.find("a", null)?.id).toBe("a");
  const stop = store.watch();
  await clock.advance(2 * 60_000);
  expect(store.find("a", null)).toBeNull();
  // The first sweep looks at the disk before it ends; the next one comes a minute after.
  await eventually(async () => {
    await clock.advance(61_000);
    expect(store.report()).toMatchObject({ answers: 0, bytes: 0 });
  });
  stop();
});

test("on disk an answer outlives the process, and what is deleted leaves nothing in the file", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  await first.store.load();
  expect(existsSync(path)).toBe(false);
  const shared = { key: "one/out", text: '{"secret":"heron-4711"}' };
  first.store.keep(answer("one", { tenant: "alice", text: shared.text }));
  first.store.keep(answer("two", { tenant: "alice", history: [shared], text: '{"secret":"egret-4712"}' }));
  first.store.keep(answer("three", { text: '{"secret":"stork-4713"}' }));
  await first.store.close();
  expect(holds(path, "heron-4711")).toBe(true);

  const second = open(path, { mode: "disk" });
  await second.store.load();
  expect(second.lines).toEqual([]);
  expect(second.store.find("two", "alice")).toEqual(
    answer("two", { tenant: "alice", history: [shared], text: '{"secret":"egret-4712"}' }),
  );
  expect(second.store.find("two", null)).toBeNull();
  expect(second.store.find("three", null)?.status).toBe("completed");
  // The second answer still needs what it shares with the first.
  expect(second.store.delete("one", "alice")).toBe(true);
  await second.store.written();
  expect(holds(path, "heron-4711")).toBe(true);
  expect(await second.store.deleteAll("alice")).toBe(1);
  await second.store.written();
  expect(holds(path, "heron-4711")).toBe(false);
  expect(holds(path, "egret-4712")).toBe(false);
  expect(holds(path, "stork-4713")).toBe(true);
  expect(await second.store.deleteAll("*")).toBe(1);
  await second.store.close();
  const third = open(path, { mode: "disk" });
  await third.store.load();
  expect(third.store.report().answers).toBe(0);
  await third.store.close();
});

test("what is too old is not read again, and goes from the file", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  first.store.keep(answer("old", { text: '"crane-1"' }));
  await first.store.close();
  const later = open(path, { mode: "disk", ttl_h: 1 }, 1_000_000 + 2 * 3_600_000);
  await later.store.load();
  expect(later.store.find("old", null)).toBeNull();
  await later.store.close();
  expect(holds(path, "crane-1")).toBe(false);
});

test("the file goes when the mode is no longer disk, and comes when it becomes it", async () => {
  const path = newPath();
  const { store, settings, clock } = open(path, { mode: "memory" });
  const stop = store.watch();
  store.keep(answer("a"));
  await store.written();
  expect(existsSync(path)).toBe(false);
  settings.current = responsesStoreSettings.parse({ mode: "disk" });
  await clock.advance(61_000);
  await eventually(async () => {
    await clock.advance(1_000);
    await store.written();
    expect(existsSync(path) && holds(path, '"in":"a"')).toBe(true);
  });
  settings.current = responsesStoreSettings.parse({ mode: "off" });
  expect(store.find("a", null)).toBeNull();
  await clock.advance(61_000);
  await eventually(() => expect(existsSync(path)).toBe(false));
  settings.current = responsesStoreSettings.parse({ mode: "memory" });
  expect(store.find("a", null)).toBeNull();
  stop();
  await store.close();
});

test("a file that cannot be used is told once, and answers stay in memory", async () => {
  const path = newPath();
  writeFileSync(join(path, ".."), "a file where the folder should be");
  const { store, lines } = open(path, { mode: "disk" });
  store.keep(answer("a"));
  await store.written();
  store.keep(answer("b"));
  await store.written();
  expect(store.find("a", null)?.id).toBe("a");
  expect(lines.filter((line) => line.includes("stay in memory"))).toHaveLength(1);
  await store.close();
});

test("a damaged file is moved aside, and keeping goes on", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  first.store.keep(answer("a"));
  await first.store.close();
  writeFileSync(path, "not a database, but longer than a header of one would be. ".repeat(200));
  const second = open(path, { mode: "disk" });
  await second.store.load();
  second.store.keep(answer("b"));
  await second.store.close();
  const third = open(path, { mode: "disk" });
  await third.store.load();
  expect(third.store.find("b", null)?.id).toBe("b");
  await third.store.close();
});

const running = (id: string, fields: Fields = {}): KeptAnswer =>
  answer(id, {
    text: "",
    status: "in_progress",
    response: JSON.stringify({ id, status: "in_progress", error: null }),
    ...fields,
  });

test("what a dead process was making has failed at the next start, and says so", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  first.store.keep(running("r", { tenant: "alice" }));
  first.store.keep(answer("done", { tenant: "alice" }));
  // Killed: it closes nothing.
  await first.store.written();
  const second = open(path, { mode: "disk" });
  await second.store.load();
  const failed = second.store.find("r", "alice");
  expect(failed?.status).toBe("failed");
  expect(JSON.parse(failed?.response ?? "")).toEqual({
    id: "r",
    status: "failed",
    error: { code: "server_error", message: expect.stringContaining("ended before") },
  });
  expect(second.store.find("done", "alice")?.status).toBe("completed");
  expect(second.store.find("r", null)).toBeNull();
  await second.store.close();
  const third = open(path, { mode: "disk" });
  await third.store.load();
  expect(third.store.find("r", "alice")?.status).toBe("failed");
  await third.store.close();
  await first.store.close();
});

test("what the process before makes is in progress until it writes how it ended, or is gone", async () => {
  const path = newPath();
  const old = open(path, { mode: "disk" });
  old.store.keep(running("ends"));
  old.store.keep(running("never"));
  await old.store.written();
  const young = open(path, { mode: "disk" });
  await young.store.load(true);
  const gone = Promise.withResolvers<void>();
  const cancelled: string[] = [];
  young.store.follow({ gone: gone.promise, cancelAnswer: (id) => void cancelled.push(id) });
  young.store.keep(running("own"));
  expect(young.store.find("ends", null)?.status).toBe("in_progress");
  young.store.cancelElsewhere("never", null);
  young.store.cancelElsewhere("own", null);
  expect(cancelled).toEqual(["never"]);

  old.store.keep(answer("ends", { text: '"heron"' }));
  // Begun after the young one has read the file.
  old.store.keep(running("late"));
  await old.store.written();
  await young.clock.advance(300);
  expect(young.store.find("ends", null)).toMatchObject({ status: "completed", output: { text: '"heron"' } });
  expect(young.store.find("late", null)?.status).toBe("in_progress");

  old.store.keep(answer("late", { text: '"egret"' }));
  // Its request began before the young one was there, and it ran with its client.
  old.store.keep(answer("stream", { createdMs: 900_000, text: '"crane"' }));
  await old.store.close();
  gone.resolve();
  await young.clock.advance(300);
  await young.clock.advance(300);
  expect(young.store.find("late", null)?.output.text).toBe('"egret"');
  expect(young.store.find("stream", null)?.output.text).toBe('"crane"');
  expect(young.store.find("never", null)?.status).toBe("failed");
  expect(young.store.find("own", null)?.status).toBe("in_progress");
  expect(young.lines).toEqual([]);
  await young.store.close();
});

test("a file of the first version gets its indexes, and what is old or runs is found by them", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  first.store.keep(answer("a"));
  await first.store.close();
  const { openDatabaseFile } = await import("../../src/sqlite/database-file.ts");
  const raw = openDatabaseFile(path, {
    schema: { migrations: ["", ""], table: "kept_answers", isShared: false },
    makesFolder: false,
    mayShrink: true,
  });
  if (raw.kind !== "open") throw new Error(raw.kind);
  const { db } = raw.file;
  const plan = (sql: string): string => {
    const statement = db.prepare(`EXPLAIN QUERY PLAN ${sql}`);
    const told = JSON.stringify(statement.all());
    statement.finalize();
    return told;
  };
  const old = "SELECT key FROM kept_answers WHERE created_ms < 5 ORDER BY created_ms LIMIT 9";
  const runs = "SELECT key FROM kept_answers WHERE status = 'in_progress'";
  for (const sql of [old, runs]) expect(plan(sql)).toMatch(/USING (?:COVERING )?INDEX/);
  db.run("DROP INDEX kept_answers_by_time");
  db.run("DROP INDEX kept_answers_running");
  db.run("PRAGMA user_version = 1");
  raw.file.close();
  const again = open(path, { mode: "disk" });
  await again.store.load();
  expect(again.store.find("a", null)?.id).toBe("a");
  expect(again.lines).toEqual([]);
  await again.store.close();
  expect(holds(path, "kept_answers_by_time")).toBe(true);
});

test("a sweep of many old answers lets others have their turn", async () => {
  const path = newPath();
  const first = open(path, { mode: "disk" });
  for (let at = 0; at < 1_500; at++) first.store.keep(answer(`a${at}`));
  await first.store.close();
  const later = open(path, { mode: "disk", ttl_h: 1 }, 1_000_000 + 2 * 3_600_000);
  let turns = 0;
  const count = setInterval(() => (turns += 1), 0);
  await later.store.load();
  clearInterval(count);
  expect(turns).toBeGreaterThan(3);
  await later.store.close();
  expect(holds(path, '"in":"a7"')).toBe(false);
});
