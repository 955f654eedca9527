// What the migrations make, and files that earlier builds made: both must be the same.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { schema } from "../../src/metrics/records-file.ts";
import { migrations, schemaVersion } from "../../src/metrics/migrations.ts";
import { answerTo } from "../../src/metrics/record-questions.ts";
import { writeRollupPiece } from "../../src/metrics/rollup.ts";
import { openDatabaseFile } from "../../src/sqlite/database-file.ts";
import { recordingLog, testStore } from "./samples.ts";

/** What a build from before drizzle-kit wrote the migrations made of an empty file. */
const earlier = `
CREATE TABLE request_records (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  tenant TEXT, provider TEXT NOT NULL, layer TEXT, failure TEXT,
  stream INTEGER NOT NULL, status INTEGER NOT NULL, duration_ms INTEGER NOT NULL, first_token_ms INTEGER,
  input_tokens INTEGER, input_cached INTEGER, output_tokens INTEGER, cost_nano_usd INTEGER,
  finish TEXT, detail TEXT NOT NULL
);
CREATE INDEX request_records_provider ON request_records (provider);
CREATE INDEX request_records_layer ON request_records (layer);
CREATE INDEX request_records_tenant ON request_records (tenant) WHERE tenant IS NOT NULL;
CREATE INDEX request_records_failed ON request_records (id) WHERE failure IS NOT NULL;
CREATE TABLE usage_days (
  day_ms INTEGER NOT NULL, tenant TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  layer TEXT NOT NULL, rule TEXT NOT NULL, outcome TEXT NOT NULL,
  requests INTEGER NOT NULL, streams INTEGER NOT NULL, attempts INTEGER NOT NULL, fallbacks INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  cache_hit_tokens INTEGER NOT NULL, cache_miss_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL, unknown_cost INTEGER NOT NULL, unknown_usage INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, first_token_ms INTEGER NOT NULL, first_tokens INTEGER NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (day_ms, tenant, provider, model, layer, rule, outcome)
) WITHOUT ROWID;
CREATE TABLE attempt_days (
  day_ms INTEGER NOT NULL, tenant TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  attempts INTEGER NOT NULL, failures INTEGER NOT NULL, skipped INTEGER NOT NULL, maybe_billed INTEGER NOT NULL,
  PRIMARY KEY (day_ms, tenant, provider, model)
) WITHOUT ROWID;
CREATE TABLE traffic_quarters (
  quarter_ms INTEGER NOT NULL, tenant TEXT NOT NULL,
  requests INTEGER NOT NULL, failures INTEGER NOT NULL, tokens INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL,
  PRIMARY KEY (quarter_ms, tenant)
) WITHOUT ROWID;
`;

type Column = { name: string; type: string; notnull: number; pk: number };

/** Everything of a database that a statement can tell apart. */
function shapeOf(db: Database): unknown {
  const named = db
    .query<{ name: string; wr: number }, []>(
      "SELECT name, wr FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'",
    )
    .all()
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return named.map(({ name, wr }) => ({
    name,
    hasRowNumbers: wr === 0,
    columns: db
      .query<Column, []>(`PRAGMA table_info(${name})`)
      .all()
      .map((column) => [
        column.name,
        column.type.toUpperCase(),
        column.notnull === 1 || column.pk > 0,
        column.pk,
      ]),
    indexes: db
      .query<{ name: string; partial: number }, []>(`PRAGMA index_list(${name})`)
      .all()
      .map((index) => [
        index.name,
        index.partial,
        db
          .query<{ name: string }, []>(`PRAGMA index_info(${index.name})`)
          .all()
          .map((column) => column.name),
      ])
      .toSorted(),
  }));
}

test("a file of an earlier build is one of this build's: opened as it is, nothing of it lost", () => {
  const place = mkdtempSync(join(tmpdir(), "clawgate-tables-"));
  try {
    const path = join(place, "metrics.db");
    const old = new Database(path);
    old.run(earlier);
    old.run("PRAGMA user_version = 1");
    old.run("INSERT INTO traffic_quarters VALUES (900000, '', 1, 0, 7, 0)");
    const detail = {
      model: "big",
      rule: "coding",
      session: "s",
      client: "cli",
      agent: "a1",
      tags: ["x"],
      inputCacheWrite: 3,
      attempts: [
        ["alpha", "big", "skipped"],
        ["alpha", "big", "ok"],
      ],
    };
    old
      .query(
        "INSERT INTO request_records (id, request_id, started_at_ms, tenant, provider, stream, status, duration_ms, cost_nano_usd, detail) " +
          "VALUES (7, 'r', 1000, 'red', 'alpha', 0, 200, 5, 9, ?1)",
      )
      .run(JSON.stringify(detail));
    const wanted = shapeOf(old);
    old.close();
    const opened = openDatabaseFile(path, { schema, makesFolder: true, mayShrink: true, pageSize: 8192 });
    if (opened.kind !== "open") throw new Error(opened.detail);
    const { db } = opened.file;
    expect(db.query("SELECT tokens FROM traffic_quarters").all()).toEqual([{ tokens: 7 }]);
    expect(db.query("PRAGMA user_version").get()).toEqual({ user_version: schemaVersion });
    // Sessions are summed up as new ones are: when their requests are taken into the rollups.
    const piece = answerTo(db, { kind: "rollup" });
    expect(piece !== null && writeRollupPiece(db, piece)).toBe(true);
    expect(
      db
        .query(
          "SELECT request_records.client, agent, model, rule, tags, attempts, input_cache_write, output_reasoning, name, sessions.requests, models, sessions.cost_nano_usd " +
            "FROM request_records JOIN sessions ON sessions.id = session_id",
        )
        .values(),
    ).toEqual([["cli", "a1", "big", "coding", '["x"]', 1, 3, null, "s", 1, '{"big":1}', 9]]);
    expect(answerTo(db, { kind: "rollup" })).toBeNull();
    const fresh = new Database(":memory:");
    for (const step of migrations) fresh.run(step);
    expect(shapeOf(db)).toEqual(shapeOf(fresh));
    if (schemaVersion === 1) expect(shapeOf(fresh)).toEqual(wanted);
    fresh.close();
    opened.file.close();
  } finally {
    rmSync(place, { recursive: true });
  }
});

test("says before a large file of an earlier build is migrated that it will take a while, and nothing of a small or new one", async () => {
  const place = mkdtempSync(join(tmpdir(), "clawgate-tables-"));
  const linesOf = async (name: string, ballast: number): Promise<string[]> => {
    const path = join(place, name);
    if (ballast > 0) {
      const old = new Database(path);
      old.run(earlier);
      old.run("PRAGMA user_version = 1");
      old.run("CREATE TABLE of_another_program (bytes BLOB)");
      old.query("INSERT INTO of_another_program VALUES (zeroblob(?1))").run(ballast);
      old.close();
    }
    const log = recordingLog();
    const store = testStore(path, { log });
    await store.flush();
    expect(store.read((db) => db.query("PRAGMA user_version").get())).toEqual({
      user_version: schemaVersion,
    });
    await store.close();
    return log.heard.map(({ message }) => message).filter((message) => message.includes("brought from"));
  };
  try {
    expect(await linesOf("large.db", 70_000_000)).toEqual([
      `metrics database: the file is brought from version 1 to ${schemaVersion} before requests are taken: 67 MB, up to 3 s`,
    ]);
    expect(await linesOf("small.db", 100_000)).toEqual([]);
    expect(await linesOf("new.db", 0)).toEqual([]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
