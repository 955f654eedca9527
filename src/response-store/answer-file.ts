// Kept answers in a SQLite file, so that they outlive the process: written in batches, read once at the start. What is deleted is
// overwritten. Every statement is short: nothing here may delay a request.

import type { ItemText, KeptAnswer } from "../canon/kept-answer.ts";
import type { FileOptions, SqliteDatabase } from "../sqlite/database-file.ts";
import { ResilientDatabase } from "../sqlite/resilient-database.ts";
import type { Log } from "../system/log.ts";
import { partsOf } from "./answer-table.ts";

const table = "kept_answers";
/** One table, because a file with another one would not be taken for ours. Rows with a time are answers, the others their items. */
const first = `CREATE TABLE ${table} (
  key TEXT PRIMARY KEY, text TEXT NOT NULL, holders INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER, tenant TEXT, status TEXT, parts TEXT);`;

const options: FileOptions = {
  schema: { migrations: [first], table, isShared: false },
  makesFolder: true,
  mayShrink: true,
  pageSize: 8_192,
  givesBackPages: true,
  pragmas: ["secure_delete = ON", "wal_autocheckpoint = 256", "journal_size_limit = 4194304"],
};

type Row = {
  readonly key: string;
  readonly text: string;
  readonly created_ms: number;
  readonly tenant: string | null;
  readonly status: KeptAnswer["status"];
  readonly parts: string;
};

export class AnswerFile {
  private readonly database: ResilientDatabase<{ close(): void }>;
  private isTold = false;

  constructor(
    readonly path: string,
    private readonly services: { readonly log: Pick<Log, "info" | "warn" | "error">; nowMs(): number },
  ) {
    this.database = new ResilientDatabase({
      name: "kept answers",
      log: services.log,
      nowMs: services.nowMs,
      prepare: () => ({ close: () => undefined }),
    });
  }

  /** False: it cannot be written now. Why is logged once. */
  write(put: readonly KeptAnswer[], gone: readonly string[]): boolean {
    return this.run((db) => {
      db.transaction(() => {
        for (const id of gone) remove(db, id);
        for (const answer of put) insert(db, answer);
      })();
      return true;
    }, false);
  }

  /** Everything that is not older, oldest first. */
  read(sinceMs: number): readonly KeptAnswer[] {
    return this.run((db) => {
      const items = new Map<string, ItemText>();
      for (const item of db
        .query<ItemText, []>(`SELECT key, text FROM ${table} WHERE created_ms IS NULL`)
        .all())
        items.set(item.key, item);
      return db
        .query<Row, [number]>(`SELECT * FROM ${table} WHERE created_ms >= ? ORDER BY created_ms, key`)
        .all(sinceMs)
        .flatMap((row) => answerFrom(row, items) ?? []);
    }, []);
  }

  deleteOld(beforeMs: number): void {
    const old = this.run(
      (db) =>
        db
          .query<{ key: string }, [number]>(`SELECT key FROM ${table} WHERE created_ms < ?`)
          .all(beforeMs)
          .map(({ key }) => key),
      [],
    );
    if (old.length > 0 && this.write([], old)) this.tidy();
  }

  /** Nothing of what was deleted stays in the file or its journal. */
  tidy(): void {
    this.run((db) => {
      db.query("PRAGMA incremental_vacuum(256)").all();
      db.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
    }, undefined);
  }

  close(): void {
    this.database.close();
  }

  private open(): SqliteDatabase | null {
    if (this.database.isInPlace() && this.database.current !== null) return this.database.current.db;
    const trouble = this.database.open(this.path, options);
    if (trouble === null) return this.database.current?.db ?? null;
    this.tell(trouble.detail);
    return null;
  }

  private run<T>(work: (db: SqliteDatabase) => T, otherwise: T): T {
    const db = this.open();
    if (db === null) return otherwise;
    try {
      const result = work(db);
      this.isTold = false;
      return result;
    } catch (error) {
      this.tell(this.database.reportError(error).detail);
      return otherwise;
    }
  }

  private tell(detail: string): void {
    if (this.isTold) return;
    this.isTold = true;
    this.services.log.warn("kept answers cannot be written to disk; they stay in memory", {
      path: this.path,
      detail,
    });
  }
}

function insert(db: SqliteDatabase, answer: KeptAnswer): void {
  remove(db, answer.id);
  const parts = partsOf(answer);
  const hold = db.query<unknown, [string, string]>(
    `INSERT INTO ${table} (key, text, holders) VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET holders = holders + 1`,
  );
  for (const { key, text } of parts) hold.run(key, text);
  const { id, response, createdMs, tenant, status } = answer;
  db.query<unknown, [string, string, number, string | null, string, string]>(
    `INSERT INTO ${table} (key, text, created_ms, tenant, status, parts) VALUES (?, ?, ?, ?, ?, ?)`,
  ).run(id, response, createdMs, tenant, status, JSON.stringify(parts.map(({ key }) => key)));
}

function remove(db: SqliteDatabase, id: string): void {
  const row = db
    .query<{ parts: string }, [string]>(`SELECT parts FROM ${table} WHERE key = ? AND created_ms IS NOT NULL`)
    .get(id);
  if (row === null) return;
  db.query<unknown, [string]>(`DELETE FROM ${table} WHERE key = ?`).run(id);
  const release = db.query<unknown, [string]>(`UPDATE ${table} SET holders = holders - 1 WHERE key = ?`);
  const drop = db.query<unknown, [string]>(`DELETE FROM ${table} WHERE key = ? AND holders < 1`);
  for (const key of keysIn(row.parts)) {
    release.run(key);
    drop.run(key);
  }
}

function keysIn(parts: string): readonly string[] {
  const keys: unknown = JSON.parse(parts);
  return Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
}

/** Null: items of it are missing. */
function answerFrom(row: Row, items: ReadonlyMap<string, ItemText>): KeptAnswer | null {
  const parts = keysIn(row.parts).map((key) => items.get(key));
  const whole = parts.filter((part) => part !== undefined);
  const output = whole.at(-1);
  if (output === undefined || whole.length < parts.length) return null;
  return {
    id: row.key,
    tenant: row.tenant,
    createdMs: row.created_ms,
    status: row.status,
    response: row.text,
    history: whole.slice(0, -1),
    output,
  };
}
