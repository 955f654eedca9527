// Kept answers in a SQLite file, so that they outlive the process: written in batches, read once at the start. What is deleted is
// overwritten. Every statement is short: nothing here may delay a request.

import type { ItemText, KeptAnswer } from "../canon/kept-answer.ts";
import type { FileOptions, SqliteDatabase } from "../sqlite/database-file.ts";
import { type DatabaseTrouble, ResilientDatabase } from "../sqlite/resilient-database.ts";
import type { Log } from "../system/log.ts";
import { partsOf } from "./answer-table.ts";

const table = "kept_answers";
/** One table, because a file with another one would not be taken for ours. Rows with a time are answers, the others their items. */
const first = `CREATE TABLE ${table} (
  key TEXT PRIMARY KEY, text TEXT NOT NULL, holders INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER, tenant TEXT, status TEXT, parts TEXT);`;
/** What is old, and what runs, must be found without reading the rest. */
const second = `CREATE INDEX ${table}_by_time ON ${table} (created_ms, key) WHERE created_ms IS NOT NULL;
CREATE INDEX ${table}_running ON ${table} (key) WHERE status = 'in_progress';`;

const options: FileOptions = {
  schema: { migrations: [first, second], table, isShared: false },
  makesFolder: true,
  mayShrink: true,
  pageSize: 8_192,
  givesBackPages: true,
  pragmas: ["secure_delete = ON", "wal_autocheckpoint = 256", "journal_size_limit = 4194304"],
};

/** An answer without its texts. */
export type AnswerHead = {
  readonly key: string;
  readonly tenant: string | null;
  readonly created_ms: number;
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
  /** The other process of a hand-over is writing: the last work was not done. */
  isBusy = false;

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

  /** Answers from this one on, oldest first. */
  page(after: { readonly createdMs: number; readonly key: string }, most: number): readonly AnswerHead[] {
    return this.run(
      (db) =>
        db
          .query<AnswerHead, [number, string, number]>(
            `SELECT key, tenant, created_ms FROM ${table}
             WHERE created_ms IS NOT NULL AND (created_ms, key) > (?, ?) ORDER BY created_ms, key LIMIT ?`,
          )
          .all(after.createdMs, after.key, most),
      [],
    );
  }

  running(): readonly AnswerHead[] {
    return this.run(
      (db) =>
        db
          .query<AnswerHead, []>(`SELECT key, tenant, created_ms FROM ${table} WHERE status = 'in_progress'`)
          .all(),
      [],
    );
  }

  find(id: string): KeptAnswer | null {
    return this.run((db) => {
      const row = db
        .query<Row, [string]>(`SELECT * FROM ${table} WHERE key = ? AND created_ms IS NOT NULL`)
        .get(id);
      if (row === null) return null;
      const part = db.query<ItemText, [string]>(`SELECT key, text FROM ${table} WHERE key = ?`);
      const items = new Map<string, ItemText>();
      for (const key of keysIn(row.parts)) {
        const item = part.get(key);
        if (item !== null) items.set(key, item);
      }
      return answerFrom(row, items);
    }, null);
  }

  /** How many were deleted: at most `most` in one call. */
  deleteOld(beforeMs: number, most: number): number {
    const old = this.run(
      (db) =>
        db
          .query<{ key: string }, [number, number]>(
            `SELECT key FROM ${table} WHERE created_ms < ? ORDER BY created_ms LIMIT ?`,
          )
          .all(beforeMs, most)
          .map(({ key }) => key),
      [],
    );
    return old.length > 0 && this.write([], old) ? old.length : 0;
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
    this.tell(trouble);
    return null;
  }

  private run<T>(work: (db: SqliteDatabase) => T, otherwise: T): T {
    this.isBusy = false;
    const db = this.open();
    if (db === null) return otherwise;
    try {
      const result = work(db);
      this.isTold = false;
      return result;
    } catch (error) {
      this.tell(this.database.reportError(error));
      return otherwise;
    }
  }

  private tell({ kind, detail }: DatabaseTrouble): void {
    this.isBusy = kind === "busy";
    if (this.isTold || this.isBusy) return;
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
