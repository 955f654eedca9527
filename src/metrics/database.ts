// One SQLite file: opening it with care, telling its troubles apart, letting go of it. It must never wait for a lock
// (busy_timeout is 0: a waiting statement would hold up every request of the process).

import { Database, SQLiteError, constants } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { canOpen } from "../system/descriptors.ts";
import { identityOf } from "../system/file-identity.ts";
import { migrations, schemaVersion } from "./migrations.ts";
import { inMemory } from "./database-path.ts";

export type DatabaseFile = {
  readonly db: Database;
  readonly path: string;
  /** Device and inode of the file that `db` holds; null in memory. */
  readonly identity: string | null;
  readonly walIdentity: string | null;
};

/** busy = locked by another; full = no room; corrupt = not (or no longer) a database; row = this statement's own fault; io = the rest. */
export type DatabaseErrorKind = "busy" | "full" | "corrupt" | "row" | "io";

/** drizzle wraps what SQLite threw. */
function sqliteErrorOf(error: unknown): SQLiteError | null {
  if (error instanceof SQLiteError) return error;
  return error instanceof Error && error.cause instanceof SQLiteError ? error.cause : null;
}

export function databaseErrorKind(error: unknown): DatabaseErrorKind {
  const code = sqliteErrorOf(error)?.code ?? null;
  if (code === null || code === "SQLITE_ERROR") return "row";
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) return "busy";
  if (code.startsWith("SQLITE_FULL")) return "full";
  if (/^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(code)) return "corrupt";
  if (/^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(code)) return "row";
  return "io";
}

export function describeDatabaseError(error: unknown): string {
  const known = sqliteErrorOf(error);
  if (known !== null) return `${known.code ?? "SQLITE_ERROR"}: ${known.message}`;
  return error instanceof Error ? error.message : String(error);
}

export type OpenResult =
  | { readonly kind: "open"; readonly file: DatabaseFile }
  /** `foreign`: a newer build's or another program's database, which is not to be touched. */
  | { readonly kind: "busy" | "corrupt" | "foreign" | "unusable"; readonly detail: string };

/** A file that could not be opened for want of descriptors is not unusable: it will be opened later. */
function openFailure(detail: string): OpenResult {
  return { kind: canOpen(filesOfDatabase) ? "unusable" : "busy", detail };
}

/** The file, its journal and the index of that. */
const filesOfDatabase = 3;

/** Makes the folder and an empty file with private modes; SQLite gives -wal and -shm the modes of the file. */
function prepareFile(path: string): string | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) return "it is not a regular file";
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
    if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
    return null;
  } catch (error) {
    return describeDatabaseError(error);
  }
}

function readNumber(db: Database, pragma: string): number {
  const row = db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get();
  return Object.values(row ?? {})[0] ?? 0;
}

function hasOurTable(db: Database): boolean {
  return db.query("SELECT 1 FROM sqlite_master WHERE name = 'request_records'").get() !== null;
}

/** Brings the file to this build's schema; gives the reason if it belongs to somebody else. */
function migrate(db: Database): string | null {
  const version = readNumber(db, "user_version");
  if (version > schemaVersion)
    return `its schema version is ${version}, this build knows up to ${schemaVersion}`;
  if (version > 0 && !hasOurTable(db)) return "it is another program's database";
  if (version === schemaVersion) return null;
  db.transaction(() => {
    // Read again inside the lock: a second gateway may have migrated the file in between.
    const from = readNumber(db, "user_version");
    for (const step of migrations.slice(from)) db.run(step);
    if (from < schemaVersion) db.run(`PRAGMA user_version = ${schemaVersion}`);
  }).immediate();
  return null;
}

function initialize(db: Database, path: string, maxFileBytes: number): OpenResult {
  db.run("PRAGMA busy_timeout = 0");
  const foreign = migrateAfterCheck(db, path);
  if (foreign !== null) {
    db.close();
    return { kind: "foreign", detail: foreign };
  }
  db.run("PRAGMA synchronous = NORMAL");
  // Of 8 KB each: a checkpoint holds up the requests of this process, so none may grow long.
  db.run("PRAGMA wal_autocheckpoint = 500");
  db.run("PRAGMA temp_store = MEMORY");
  db.run("PRAGMA journal_size_limit = 67108864");
  db.run(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxFileBytes / readNumber(db, "page_size")))}`);
  // A file without write permission opens read-only without a word; this asks for the write lock once.
  db.transaction(() => hasOurTable(db)).immediate();
  const isFile = path !== inMemory;
  return {
    kind: "open",
    file: {
      db,
      path,
      identity: isFile ? identityOf(path) : null,
      walIdentity: isFile ? identityOf(`${path}-wal`) : null,
    },
  };
}

/** WAL is switched on only after the version was read: even that would be touching a foreign file. */
function migrateAfterCheck(db: Database, path: string): string | null {
  const version = readNumber(db, "user_version");
  const isOurs = version === 0 || (version <= schemaVersion && hasOurTable(db));
  if (isOurs && path !== inMemory) {
    // Half the writes of 4 KB pages; only a file that is still empty takes it.
    db.run("PRAGMA page_size = 8192");
    db.run("PRAGMA journal_mode = WAL");
  }
  return migrate(db);
}

export function openDatabase(path: string, maxFileBytes: number): OpenResult {
  if (path !== inMemory) {
    const refusal = prepareFile(path);
    if (refusal !== null) return openFailure(refusal);
  }
  let db: Database | null = null;
  try {
    db = new Database(path, { create: true, readwrite: true, strict: true });
    return initialize(db, path, maxFileBytes);
  } catch (error) {
    db?.close();
    const errorKind = databaseErrorKind(error);
    const detail = describeDatabaseError(error);
    return errorKind === "busy" || errorKind === "corrupt"
      ? { kind: errorKind, detail }
      : openFailure(detail);
  }
}

/** True when the path no longer leads to the file that we hold: deleted, or another one was put there. */
export function wasReplaced(file: DatabaseFile): boolean {
  return file.identity !== null && identityOf(file.path) !== file.identity;
}

/** Closes a file that is still where it was, with every row in the file itself and nothing left in its journal. */
export function closeDatabase(file: DatabaseFile): void {
  // The last close does this too, but only once every statement is finalized, and those of readers wait for the
  // garbage collector.
  try {
    file.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    file.db.close();
  }
}

/** Lets go of a file that was deleted or replaced. */
export function closeReplaced(file: DatabaseFile): void {
  if (file.identity === null) {
    file.db.close();
    return;
  }
  // Without this SQLite removes `<path>-wal` by name when it closes: by now that may be the new file's.
  file.db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  file.db.close();
  // And our own journal must not stay beside a file that it does not belong to: it would be replayed into it.
  if (file.walIdentity !== null && identityOf(`${file.path}-wal`) === file.walIdentity) {
    rmSync(`${file.path}-wal`, { force: true });
    rmSync(`${file.path}-shm`, { force: true });
  }
}

/** Renames a broken database and its journals out of the way; gives the new name. Throws what the file system says. */
export function moveAside(path: string, nowMs: number): string {
  const aside = `${path}.corrupt-${Math.floor(nowMs)}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"])
    if (identityOf(path + suffix) !== null) renameSync(path + suffix, aside + suffix);
  return aside;
}
