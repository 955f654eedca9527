// A second connection to a SQLite file that another thread of this process writes. It must never change the file or its journal.

import { constants, Database } from "bun:sqlite";
import { identityOf } from "../system/file-identity.ts";
import type { SqliteDatabase } from "./database-file.ts";

/** A checkpoint holds readers up for a moment. */
const busyMs = 250;

export class ReadingConnection {
  private open: { readonly db: Database; readonly path: string; readonly identity: string | null } | null =
    null;

  /** Opened again if the path leads to another file now. Throws SQLite's error. */
  at(path: string): SqliteDatabase {
    const identity = identityOf(path);
    if (this.open !== null && this.open.path === path && this.open.identity === identity) return this.open.db;
    this.close();
    const db = new Database(path, { readonly: true, strict: true });
    db.run(`PRAGMA busy_timeout = ${busyMs}`);
    db.run("PRAGMA temp_store = MEMORY");
    // The journal belongs to the writer, and by the time of a close its name may lead to another file's.
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    this.open = { db, path, identity };
    return db;
  }

  close(): void {
    this.open?.db.close();
    this.open = null;
  }
}
