// One SQLite file that is open: made with private modes, brought to this build's version, let go of so that nothing of it spoils
// what lies at its path by then. It must never wait for a lock: a waiting statement would hold up every request of the process.

import { constants, Database, type Statement } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { canOpen } from "../system/descriptors.ts";
import { fileFacts, identityOf } from "../system/file-identity.ts";
import { databaseErrorKind, describeDatabaseError } from "./database-error.ts";
import { type DatabaseSchema, foreignReason, migrate, readNumber } from "./database-schema.ts";

/** The driver's own types, for whoever writes statements. */
export type SqliteDatabase = Database;
export type SqliteStatement<Row = unknown, Values extends (string | number | null)[] = never> = Statement<
  Row,
  Values
>;

/** SQLite's own name for a database without a file. */
export const inMemory = ":memory:";

export type FileOptions = {
  readonly schema: DatabaseSchema;
  /** Whether folders that are missing are made. */
  readonly makesFolder: boolean;
  /** Whether the file may get smaller while it is open: people compact what they look into. */
  readonly mayShrink: boolean;
  /** Only a file that is still empty takes it. */
  readonly pageSize?: number;
  readonly maxBytes?: number;
  /** For this connection, without the word PRAGMA. */
  readonly pragmas?: readonly string[];
};

/** The file, its journal and the index of that. */
const filesOfDatabase = 3;

export type OpenResult =
  | { readonly kind: "open"; readonly file: DatabaseFile }
  /** `foreign`: a newer build's or another program's database, which is not to be touched. */
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

  /** True when the path no longer leads to the file that is held, or not to its journal: deleted, emptied, or others are there. */
  wasReplaced(): boolean {
    if (this.identity === null) return false;
    const now = fileFacts(this.path);
    if (now === null || now.identity !== this.identity) return true;
    if (now.bytes < this.bytes && (now.bytes === 0 || !this.mayShrink)) return true;
    this.bytes = now.bytes;
    return this.walIdentity !== null && identityOf(`${this.path}-wal`) !== this.walIdentity;
  }

  /** With every row in the file itself and nothing left in its journal. */
  close(): void {
    if (this.wasReplaced()) {
      this.closeReplaced();
      return;
    }
    // The last close does this too, but only once every statement is finalized, and those of readers wait for the
    // garbage collector.
    try {
      this.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.db.close();
    }
  }

  /** Lets go of a broken file, or of one that was replaced; what lies at the path now is left alone. */
  closeReplaced(): void {
    const isInPlace = this.identity === null || identityOf(this.path) === this.identity;
    // Without this SQLite removes `<path>-wal` by name when it closes: by now that may be the new file's.
    if (!isInPlace) this.db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    this.db.close();
    if (isInPlace || this.walIdentity === null || identityOf(`${this.path}-wal`) !== this.walIdentity) return;
    // And our own journal must not stay beside a file that it does not belong to: it would be replayed into it.
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
    // Before anything is written: even WAL would be touching a foreign file.
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

function initialize(db: Database, path: string, { schema, pageSize, maxBytes, pragmas }: FileOptions): void {
  if (path !== inMemory) {
    if (pageSize !== undefined) db.run(`PRAGMA page_size = ${pageSize}`);
    db.run("PRAGMA journal_mode = WAL");
  }
  db.run("PRAGMA synchronous = NORMAL");
  migrate(db, schema);
  for (const pragma of pragmas ?? []) db.run(`PRAGMA ${pragma}`);
  if (maxBytes !== undefined)
    db.run(`PRAGMA max_page_count = ${Math.max(16, Math.floor(maxBytes / readNumber(db, "page_size")))}`);
}

/** An empty file with private modes; SQLite gives -wal and -shm the modes of the file. Answers why that cannot be. */
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

/** A file that could not be opened for want of descriptors is not unusable: it will be opened later. */
function openFailure(detail: string): OpenResult {
  return { kind: canOpen(filesOfDatabase) ? "unusable" : "busy", detail };
}

/** Renames a broken database and its journals out of the way; gives the new name. Throws what the file system says. */
export function moveAside(path: string, nowMs: number): string {
  const aside = `${path}.corrupt-${Math.floor(nowMs)}`;
  renameSync(path, aside);
  for (const suffix of ["-wal", "-shm"])
    if (identityOf(path + suffix) !== null) renameSync(path + suffix, aside + suffix);
  return aside;
}
