// The texts in a SQLite file of their own. What is deleted is overwritten in the file and in its journal; it must never be found there
// again. Every statement is short: nothing here may delay a request.

import type { SqliteDatabase, FileOptions } from "../sqlite/database-file.ts";
import { ResilientDatabase } from "../sqlite/resilient-database.ts";
import type { Log } from "../system/log.ts";
import type { LoggedMessage } from "./logged-text.ts";

export type LoggedContent = {
  readonly request: readonly LoggedMessage[];
  readonly request_cut: boolean;
  readonly response: readonly LoggedMessage[];
  readonly response_cut: boolean;
};

export type LoggedRequest = LoggedContent & {
  readonly id: string;
  readonly at_ms: number;
  readonly tenant: string | null;
  readonly door: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly status: number;
  readonly failure: string | null;
};

/** `tenant` "*": everybody's. */
export type ContentFilter =
  { readonly tenant: string } | { readonly beforeMs: number } | { readonly oldest: number };

export type ContentStatus = {
  readonly entries: number;
  readonly bytes: number;
  readonly oldest_ms: number | null;
};

const table = "request_content";
const first = `CREATE TABLE ${table} (
  id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, tenant TEXT, head TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX ${table}_at ON ${table} (at_ms);
CREATE INDEX ${table}_tenant ON ${table} (tenant);`;

const schema = { migrations: [first], table, isShared: false };
/** Deleted at a time, and pages given back at a time. */
const sliceRows = 20;
const slicePages = 64;

type Row = { readonly id: string; readonly head: string; readonly content: string };

const turnOfLoop = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class ContentStore {
  private readonly database: ResilientDatabase<{ close(): void }>;
  private isTold = false;

  constructor(
    readonly path: string,
    private readonly maxBytes: () => number,
    private readonly services: { readonly log: Pick<Log, "info" | "warn" | "error">; nowMs(): number },
  ) {
    this.database = new ResilientDatabase({
      name: "request log",
      log: services.log,
      nowMs: services.nowMs,
      prepare: () => ({ close: () => undefined }),
    });
  }

  /** False: it cannot be written now. Why is logged once. */
  write(entries: readonly LoggedRequest[]): boolean {
    const db = this.open();
    if (db === null) return false;
    try {
      const insert = db.query(
        `INSERT OR REPLACE INTO ${table} (id, at_ms, tenant, head, content) VALUES (?, ?, ?, ?, ?)`,
      );
      db.transaction(() => {
        for (const {
          id,
          at_ms: atMs,
          tenant,
          request,
          request_cut,
          response,
          response_cut,
          ...head
        } of entries)
          insert.run(
            id,
            atMs,
            tenant,
            JSON.stringify(head),
            JSON.stringify({ request, request_cut, response, response_cut }),
          );
      })();
      insert.finalize();
      this.isTold = false;
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  find(id: string): LoggedRequest | null {
    return this.read((db) => {
      const row = db
        .query<Row & { at_ms: number; tenant: string | null }, [string]>(
          `SELECT * FROM ${table} WHERE id = ?`,
        )
        .get(id);
      if (row === null) return null;
      const head = JSON.parse(row.head) as Pick<
        LoggedRequest,
        "door" | "provider" | "model" | "status" | "failure"
      >;
      return {
        id: row.id,
        at_ms: row.at_ms,
        tenant: row.tenant,
        ...head,
        ...(JSON.parse(row.content) as LoggedContent),
      };
    }, null);
  }

  status(): ContentStatus {
    return this.read(
      (db) => {
        const row = db
          .query<{ entries: number; oldest: number | null }, []>(
            `SELECT count(*) AS entries, min(at_ms) AS oldest FROM ${table}`,
          )
          .get();
        return { entries: row?.entries ?? 0, bytes: this.bytes(db), oldest_ms: row?.oldest ?? null };
      },
      { entries: 0, bytes: 0, oldest_ms: null },
    );
  }

  /** Deletes in slices and overwrites what is deleted. Null: the file cannot be used. */
  async delete(filter: ContentFilter): Promise<number | null> {
    let deleted = 0;
    for (;;) {
      const slice = this.deleteSlice(filter, deleted);
      if (slice === null) return null;
      deleted += slice;
      if (slice === 0) break;
      await turnOfLoop();
    }
    if (deleted === 0) return 0;
    while (this.giveBackPages()) await turnOfLoop();
    return this.emptyJournal() ? deleted : null;
  }

  /** The oldest, while the file is larger than its limit. */
  async shrink(): Promise<number> {
    const db = this.open();
    if (db === null) return 0;
    const { entries } = this.status();
    const bytes = this.bytes(db);
    if (bytes <= this.maxBytes() * 0.95) return 0;
    const share = 1 - (this.maxBytes() * 0.85) / bytes;
    return (await this.delete({ oldest: Math.max(1, Math.ceil(entries * share)) })) ?? 0;
  }

  close(): void {
    this.database.close();
  }

  private open(): SqliteDatabase | null {
    if (this.database.isInPlace() && this.database.current !== null) return this.database.current.db;
    const trouble = this.database.open(this.path, this.fileOptions());
    if (trouble === null) return this.database.current?.db ?? null;
    this.tell(trouble.detail);
    return null;
  }

  private fileOptions(): FileOptions {
    return {
      schema,
      makesFolder: true,
      mayShrink: true,
      pageSize: 8_192,
      givesBackPages: true,
      pragmas: ["secure_delete = ON", "wal_autocheckpoint = 128", "journal_size_limit = 4194304"],
    };
  }

  private deleteSlice(filter: ContentFilter, done: number): number | null {
    return this.read<number | null>((db) => {
      const of = (where: string, values: (string | number)[], count = sliceRows): number =>
        db
          .query(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} ${where} LIMIT ${count})`)
          .run(...(values as never[])).changes;
      if ("beforeMs" in filter) return of("WHERE at_ms < ?", [filter.beforeMs]);
      if ("oldest" in filter) {
        const left = Math.min(sliceRows, filter.oldest - done);
        return left <= 0 ? 0 : of("ORDER BY at_ms", [], left);
      }
      return filter.tenant === "*" ? of("", []) : of("WHERE tenant = ?", [filter.tenant]);
    }, null);
  }

  /** True: there are more. */
  private giveBackPages(): boolean {
    return this.read((db) => {
      const before = numberOf(db, "freelist_count");
      db.query(`PRAGMA incremental_vacuum(${slicePages})`).all();
      const after = numberOf(db, "freelist_count");
      return after > 0 && after < before;
    }, false);
  }

  private emptyJournal(): boolean {
    return this.read((db) => {
      db.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
      return true;
    }, false);
  }

  private bytes(db: SqliteDatabase): number {
    return (numberOf(db, "page_count") - numberOf(db, "freelist_count")) * numberOf(db, "page_size");
  }

  private read<T>(run: (db: SqliteDatabase) => T, otherwise: T): T {
    const db = this.open();
    if (db === null) return otherwise;
    try {
      return run(db);
    } catch (error) {
      this.failed(error);
      return otherwise;
    }
  }

  private failed(error: unknown): void {
    this.tell(this.database.reportError(error).detail);
  }

  private tell(detail: string): void {
    if (this.isTold) return;
    this.isTold = true;
    this.services.log.warn("the request log cannot be used", { path: this.path, detail });
  }
}

function numberOf(db: SqliteDatabase, pragma: string): number {
  const row = db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get();
  return Object.values(row ?? {})[0] ?? 0;
}
