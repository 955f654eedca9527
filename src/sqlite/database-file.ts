// One open SQLite file: created with private modes, migrated to this build's version, closed in such a way that nothing of it damages
// a newer file at its path. It must never wait for a lock: a waiting statement would delay every request of the process.

import { constants, Database, type Statement } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { canOpen } from "../system/descriptors.ts";
import { fileFacts, identityOf } from "../system/file-identity.ts";
import { databaseErrorKind, describeDatabaseError } from "./database-error.ts";
import { type DatabaseSchema, foreignReason, migrate, readNumber } from "./database-schema.ts";

/** The driver's own types, for code that runs statements. */
export type SqliteDatabase = Database;
export type SqliteStatement<Row = unknown, Values extends (string | number | null)[] = never> = Statement<
  Row,
  Values
>;

/** SQLite's own name for a database without a file. */
export const inMemory = ":memory:";

export type Migration = { readonly from: number; readonly to: number; readonly bytes: number };

export type FileOptions = {
  readonly schema: DatabaseSchema;
  /** Whether missing folders are created. */
  readonly makesFolder: boolean;
  /** Whether the file may shrink while it is open: people compact a file that they inspect. */
  readonly mayShrink: boolean;
  /** Takes effect only in an empty file. */
  readonly pageSize?: number;
  readonly maxBytes?: number;
  /** Whether `PRAGMA incremental_vacuum` makes the file smaller. Takes effect only in an empty file. */
  readonly givesBackPages?: boolean;
  /** Called before an existing file is migrated, with its size: until that is done the process does nothing else. */
  readonly onMigration?: (migration: Migration) => void;
  /** For this connection, without the word PRAGMA. */
  readonly pragmas?: readonly string[];
};

/** The file, its journal and the journal's index. */
const filesOfDatabase = 3;

export type OpenResult =
  | { readonly kind: "open"; readonly file: DatabaseFile }
  /** `foreign`: the database of a newer build or another program, which must not be touched. */
  | { readonly kind: "busy" | "corrupt" | "foreign" | "unusable"; readonly detail: string };

export class DatabaseFile {
  /** Device and inode of the file that `db` holds; null in memory. */
  private readonly identity: string | null;
  private readonly walIdentity: string | null;
  private bytes = 0;

  constructor(
    readonly db: Database,
    readonly path: string,
    private readonly mayShrink: boolean,
  ) {
    const isFile = path !== inMemory;
    this.identity = isFile ? identityOf(path) : null;
    this.walIdentity = isFile ? identityOf(`${path}-wal`) : null;
    this.wasReplaced();
  }

  get isInMemory(): boolean {
    return this.identity === null;
  }

  /** True if the path no longer leads to the open file or its journal: they were deleted, emptied or replaced. */
  wasReplaced(): boolean {
    if (this.identity === null) return false;
    const now = fileFacts(this.path);
    if (now === null || now.identity !== this.identity) return true;
    if (now.bytes < this.bytes && (now.bytes === 0 || !this.mayShrink)) return true;
    this.bytes = now.bytes;
    return this.walIdentity !== null && identityOf(`${this.path}-wal`) !== this.walIdentity;
  }

  /** With every row in the file itself and an empty journal. */
  close(): void {
    if (this.wasReplaced()) {
      this.closeReplaced();
      return;
    }
    // The last close does this too, but only once every statement is finalized, and readers' statements wait for the garbage
    // collector.
    try {
      this.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.db.close();
    }
  }

  /** Closes a broken or replaced file; a newer file at the path is not touched. */
  closeReplaced(): void {
    const isInPlace = this.identity === null || identityOf(this.path) === this.identity;
    // Without this, SQLite removes `<path>-wal` by name on close: by then that may be the new file's.
    if (!isInPlace) this.db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    this.db.close();
    if (isInPlace || this.walIdentity === null || identityOf(`${this.path}-wal`) !== this.walIdentity) return;
    // Our own journal must not stay next to a file that it does not belong to: it would be replayed into it.
    for (const suffix of ["-wal", "-shm"]) rmSync(this.path + suffix, { force: true });
  }
}

export function openDatabaseFile(path: string, options: FileOptions): OpenResult {
  if (path !== inMemory) {
    const refusal = prepareFile(path, options.makesFolder);
    if (refusal !== null) return openFailure(refusal);
  }
  let db: Database | null = null;
  try {
    db = new Database(path, { create: true, readwrite: true, strict: true });
    db.run("PRAGMA busy_timeout = 0");
    // Before anything is written: even WAL would modify a foreign file.
    const foreign = foreignReason(db, options.schema);
    if (foreign !== null) {
      db.close();
      return { kind: "foreign", detail: foreign };
    }
    initialize(db, path, options);
    return { kind: "open", file: new DatabaseFile(db, path, options.mayShrink) };
  } catch (error) {
    db?.close();
    const kind = databaseErrorKind(error);
    const detail = describeDatabaseError(error);
    return kind === "busy" || kind === "corrupt" ? { kind, detail } : openFailure(detail);
  }
}

function initialize(db: Database, path: string, options: FileOptions): void {
  const { schema, pageSize, maxBytes, pragmas } = options;
  if (path !== inMemory) {
    if (pageSize !== undefined) db.run(`PRAGMA page_size = ${pageSize}`);
    if (options.givesBackPages === true) db.run("PRAGMA auto_vacuum = INCREMENTAL");
    db.run("PRAGMA journal_mode = WAL");
  }
  db.run("PRAGMA synchronous = NORMAL");
  // A migration writes much of the file again: its journal would stay that large.
  const onBegin = (from: number): void =>
    options.onMigration?.({ from, to: schema.migrations.length, bytes: fileFacts(path)?.bytes ?? 0 });
  if (migrate(db, schema, onBegin) && path !== inMemory) db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  for (const pragma of pragmas ?? []) db.run(`PRAGMA ${pragma}`);
  if (maxBytes !== undefined)
    db.run(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / readNumber(db, "page_size")))}`);
}

/** Creates an empty file with private modes; SQLite gives -wal and -shm the modes of the file. Returns why that fails. */
function prepareFile(path: string, makesFolder: boolean): string | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) return "it is not a regular file";
    if (makesFolder) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
    if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
    return null;
  } catch (error) {
    return describeDatabaseError(error);
  }
}

/** A file that could not be opened because no descriptor was free is still usable: it will be opened later. */
function openFailure(detail: string): OpenResult {
  return { kind: canOpen(filesOfDatabase) ? "unusable" : "busy", detail };
}

/** Renames a broken database and its journals; returns the new name. Throws the file system's error. */
export function moveAside(path: string, nowMs: number): string {
  const aside = `${path}.corrupt-${Math.floor(nowMs)}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"])
    if (identityOf(path + suffix) !== null) renameSync(path + suffix, aside + suffix);
  return aside;
}
