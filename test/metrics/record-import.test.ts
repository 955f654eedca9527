// The records of ClawGate (Python): each once, costs as they were, in our own database or in the same file.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { importRecords, type ImportResult } from "../../src/metrics/record-import.ts";
import { redact } from "../../src/canon/redact.ts";
import { systemClock } from "../../src/system/clock.ts";
import { Cleanups } from "../support/cleanups.ts";

const cleanups = new Cleanups();
afterEach(() => cleanups.run());

const table =
  "CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp REAL NOT NULL, provider TEXT NOT NULL, " +
  "model TEXT NOT NULL, layer TEXT NOT NULL, rule_name TEXT NOT NULL, prompt_tok INTEGER DEFAULT 0, " +
  "compl_tok INTEGER DEFAULT 0, cache_hit INTEGER DEFAULT 0, cache_miss INTEGER DEFAULT 0, cost_usd REAL DEFAULT 0, " +
  "latency_ms REAL DEFAULT 0, success INTEGER DEFAULT 1, error TEXT DEFAULT '')";
const firstSeconds = 1_770_000_000.25;
const secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";

type Row = { readonly at?: unknown; readonly cost?: number; readonly ok?: number; readonly error?: string };

function oldDatabase(path: string, rows: readonly Row[]): void {
  const db = new Database(path);
  db.run("PRAGMA journal_mode = WAL");
  db.run(`${table.replace("TABLE", "TABLE IF NOT EXISTS")}`);
  const insert = db.prepare(
    "INSERT INTO requests (timestamp, provider, model, layer, rule_name, prompt_tok, compl_tok, cache_hit, " +
      "cache_miss, cost_usd, latency_ms, success, error) VALUES (?, 'deepseek-chat', 'deepseek-chat', 'heuristic', " +
      "'simple→fallback', 100, 50, 20, 80, ?, 812.5, ?, ?)",
  );
  for (const [index, { at = firstSeconds + index, cost = 0.000123, ok = 1, error = "" }] of rows.entries())
    insert.run(at as number, cost, ok, error);
  db.close();
}

function run(source: string, target: string, isDryRun = false): Promise<ImportResult> {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  return importRecords({
    source,
    paths: [target],
    log: quiet,
    clock: systemClock,
    maxFileBytes: 2 ** 30,
    keepsDecisions: true,
    isListed: () => false,
    redact,
    isDryRun,
    onProgress: () => undefined,
  });
}

function ours<T>(path: string, sql: string): T[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.query<T, []>(sql).all();
  } finally {
    db.close();
  }
}

test("every row once: times, tokens, costs and the mark; a second run adds nothing, new rows are added", async () => {
  const folder = cleanups.folder("clawgate-import-");
  const [source, target] = [join(folder, "old.db"), join(folder, "new.db")];
  oldDatabase(source, [{}, { ok: 0, error: `HTTP 429: ${secret}`, cost: 0 }, { cost: 1.5 }]);
  expect(await run(source, target)).toMatchObject({
    total: 3,
    imported: 3,
    already: 0,
    unreadable: 0,
    problem: null,
  });
  const rows = ours<Record<string, unknown>>(
    target,
    "SELECT started_at_ms, provider, model, layer, rule, failure, status, duration_ms, input_tokens, input_cached, " +
      "output_tokens, cost_nano_usd, tags, detail FROM request_records ORDER BY id",
  );
  expect(rows[0]).toMatchObject({
    started_at_ms: firstSeconds * 1000,
    provider: "deepseek-chat",
    model: "deepseek-chat",
    layer: "heuristic",
    rule: "simple->fallback",
    failure: null,
    status: 200,
    duration_ms: 813,
    input_tokens: 100,
    input_cached: 20,
    output_tokens: 50,
    cost_nano_usd: 123_000,
    tags: '["imported"]',
  });
  expect(rows[1]).toMatchObject({ failure: "rate-limited", status: 429, input_tokens: null });
  expect(JSON.stringify(rows[1])).not.toContain(secret);
  expect(rows[2]).toMatchObject({ cost_nano_usd: 1_500_000_000 });
  // The sums of the days hold them too.
  expect(ours(target, "SELECT sum(requests) AS n, sum(cost_nano_usd) AS cost FROM usage_days")).toEqual([
    { n: 3, cost: 1_500_123_000 },
  ]);

  expect(await run(source, target)).toMatchObject({ total: 3, imported: 0, already: 3 });
  oldDatabase(source, [{ at: firstSeconds + 100 }]);
  expect(await run(source, target)).toMatchObject({ total: 4, imported: 1, already: 3 });
  expect(ours(target, "SELECT count(*) AS n FROM request_records")).toEqual([{ n: 4 }]);
});

test("a copy of the database is the same database, another one is not", async () => {
  const folder = cleanups.folder("clawgate-import-");
  const [one, copy, other, target] = ["one", "copy", "other", "ours"].map((name) =>
    join(folder, `${name}.db`),
  );
  if (one === undefined || copy === undefined || other === undefined || target === undefined)
    throw new Error();
  oldDatabase(one, [{}, {}]);
  oldDatabase(copy, [{}, {}]);
  oldDatabase(other, [{ at: firstSeconds + 7 }]);
  expect(await run(one, target)).toMatchObject({ imported: 2 });
  expect(await run(copy, target)).toMatchObject({ imported: 0, already: 2 });
  expect(await run(other, target)).toMatchObject({ imported: 1, already: 0 });
});

test("into the file itself: the old table stays as it was", async () => {
  const path = join(cleanups.folder("clawgate-import-"), "clawgate.db");
  oldDatabase(path, [{}, {}]);
  const before = ours(path, "SELECT * FROM requests");
  expect(await run(path, path)).toMatchObject({ imported: 2, problem: null });
  expect(ours(path, "SELECT * FROM requests")).toEqual(before);
});

test("a row without a time is counted, and does not stop the others", async () => {
  const folder = cleanups.folder("clawgate-import-");
  const source = join(folder, "old.db");
  oldDatabase(source, [{}, { at: "soon" }, { at: -5 }, {}]);
  const target = join(folder, "new.db");
  expect(await run(source, target)).toMatchObject({ total: 4, imported: 2, unreadable: 2, problem: null });
});

test("a dry run counts and writes nothing; what is no such database is said", async () => {
  const folder = cleanups.folder("clawgate-import-");
  const [source, target] = [join(folder, "old.db"), join(folder, "new.db")];
  oldDatabase(source, [{}, {}]);
  expect(await run(source, target, true)).toMatchObject({ total: 2, imported: 0, path: null, problem: null });
  expect(await Bun.file(target).exists()).toBe(false);
  const empty = join(folder, "empty.db");
  new Database(empty).run("CREATE TABLE other (id INTEGER)");
  expect((await run(empty, target)).problem).toContain("no table requests");
  expect((await run(join(folder, "none.db"), target)).problem).toContain("does not exist");
});

test("a target that cannot be written is said, and nothing is lost in memory", async () => {
  const folder = cleanups.folder("clawgate-import-");
  const source = join(folder, "old.db");
  oldDatabase(source, [{}]);
  const foreign = join(folder, "foreign.db");
  const db = new Database(foreign);
  db.run("CREATE TABLE theirs (id INTEGER)");
  db.run("PRAGMA user_version = 99");
  db.close();
  const result = await run(source, foreign);
  expect(result.imported).toBe(0);
  expect(result.problem).toContain("cannot be written");
});
