// Moves the journal of a SQLite file into the file, for another thread that writes it: both steps wait for the disk, and there that would
// hold up every request. It must never change what the file says, nor remove its journal.

import { constants, Database } from "bun:sqlite";
import { databaseErrorKind } from "./database-error.ts";
import { readNumber } from "./database-schema.ts";

type Outcome = { readonly busy: number; readonly log: number; readonly checkpointed: number };

/** True: the whole journal is in the file, and the next writer begins it anew. Throws SQLite's error. */
export function checkpointJournal(path: string): boolean {
  // Not kept open: a thread that ends closes its connections at any time, and such a close makes a checkpoint of its own.
  const db = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    for (const pragma of ["busy_timeout = 0", "synchronous = NORMAL", "wal_autocheckpoint = 0"])
      db.run(`PRAGMA ${pragma}`);
    // By the time of the close the journal's name may lead to another file's.
    db.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    const outcome = db.query<Outcome, []>("PRAGMA wal_checkpoint(PASSIVE)").get();
    // -1 where there is no journal.
    if (outcome === null || outcome.busy !== 0 || outcome.log <= 0) return false;
    return outcome.log === outcome.checkpointed && beginAnew(db);
  } finally {
    db.close();
  }
}

/** The first who writes after a checkpoint waits for the disk as well: so a value is written again that the file has already. */
function beginAnew(db: Database): boolean {
  try {
    db.transaction(() => db.run(`PRAGMA user_version = ${readNumber(db, "user_version")}`)).immediate();
    return true;
  } catch (error) {
    if (databaseErrorKind(error) === "busy") return false;
    throw error;
  }
}
