// One SQLite file with the state of one gateway: opened with care, its troubles told apart. It must never wait for a lock
// (busy_timeout is 0: a waiting statement would hold up every request of the process).

import { constants, Database, SQLiteError } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { fileFacts, identityOf } from "../system/file-identity.ts";
import type { StateRow } from "./state-store.ts";

/** `value` null: the row is deleted. */
export type Change = { readonly namespace: string; readonly row: StateRow | null; readonly key: string };

export type StateFile = {
  /** Those whose time is not over; older ones are deleted. */
  load(nowMs: number): { readonly namespace: string; readonly row: StateRow }[];
  /** All or none. */
  write(changes: Iterable<Change>): void;
  /** With every row in the file itself and nothing left in its journal. */
  close(): void;
  /** True when the path no longer leads to the file that is held, or not to its journal: deleted, emptied, or others are there. */
  wasReplaced(): boolean;
  /** Lets go of a broken file, or of one that was replaced; what lies at the path now is left alone. */
  closeReplaced(): void;
};

const schemaVersion = 1;
const schema = `CREATE TABLE IF NOT EXISTS state (
  namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at_ms INTEGER,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID`;

/** Throws what SQLite and the file system throw, and an Error where the file belongs to somebody else. */
export function openStateFile(path: string): StateFile {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) throw new Error("it is not a regular file");
  closeSync(openSync(path, "a", 0o600));
  if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
  const db = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    prepare(db);
    return createStateFile(db, path);
  } catch (error) {
    db.close();
    throw error;
  }
}

function versionOf(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}

function prepare(db: Database): void {
  // Read before anything is written: even WAL would be touching a foreign file.
  const tables = db.query("SELECT 1 FROM sqlite_master WHERE name <> 'state'").get();
  const version = versionOf(db);
  if (tables !== null || version > schemaVersion)
    throw new Error("it belongs to another program or a newer build");
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.transaction(() => {
    // Also where somebody took only the table away.
    db.run(schema);
    if (versionOf(db) !== schemaVersion) db.run(`PRAGMA user_version = ${schemaVersion}`);
  }).immediate();
}

type Stored = { namespace: string; key: string; value: string; expires_at_ms: number | null };

function createStateFile(db: Database, path: string): StateFile {
  const identity = identityOf(path);
  const walIdentity = identityOf(`${path}-wal`);
  let bytes = 0;
  /** It never shrinks while it is open. Its journal may: any other reader's checkpoint empties that. */
  const isWhole = (): boolean => {
    const now = fileFacts(path);
    if (now?.identity !== identity || (now?.bytes ?? 0) < bytes) return false;
    bytes = now?.bytes ?? 0;
    return walIdentity === null || identityOf(`${path}-wal`) === walIdentity;
  };
  isWhole();
  const put = db.query<null, [string, string, string, number | null]>(
    "INSERT INTO state (namespace, key, value, expires_at_ms) VALUES (?1, ?2, ?3, ?4) " +
      "ON CONFLICT DO UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms",
  );
  const remove = db.query<null, [string, string]>("DELETE FROM state WHERE namespace = ?1 AND key = ?2");
  return {
    load(nowMs) {
      db.query("DELETE FROM state WHERE expires_at_ms <= ?1").run(nowMs);
      const rows = db.query<Stored, []>("SELECT namespace, key, value, expires_at_ms FROM state").all();
      return rows.flatMap(({ namespace, key, value, expires_at_ms }) => {
        const read = parsed(value);
        return read === undefined
          ? []
          : [{ namespace, row: { key, value: read, expiresAtMs: expires_at_ms } }];
      });
    },
    write(changes) {
      db.transaction(() => {
        for (const { namespace, key, row } of changes)
          if (row === null) remove.run(namespace, key);
          else put.run(namespace, key, JSON.stringify(row.value), row.expiresAtMs);
      }).immediate();
    },
    close() {
      try {
        db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      } finally {
        db.close();
      }
    },
    wasReplaced: () => !isWhole(),
    closeReplaced() {
      const isInPlace = identityOf(path) === identity;
      // Otherwise SQLite removes `<path>-wal` by name when it closes: by now that may be the new file's.
      if (!isInPlace) db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
      db.close();
      if (isInPlace || walIdentity === null || identityOf(`${path}-wal`) !== walIdentity) return;
      // And our own journal must not stay beside a file that it does not belong to: it would be replayed into it.
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    },
  };
}

/** Undefined where somebody else wrote what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(error.code ?? "");
}

/** The file is whole and no longer as we made it: emptied, or its table taken away. */
export function isTableLost(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(?:ERROR|SCHEMA)$/.test(error.code ?? "");
}

export function describeError(error: unknown): string {
  if (error instanceof SQLiteError) return `${error.code ?? "SQLITE_ERROR"}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** Renames a broken file and its journals out of the way; gives the new name. */
export function moveAside(path: string, nowMs: number): string {
  const aside = `${path}.corrupt-${Math.floor(nowMs)}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"])
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
}
