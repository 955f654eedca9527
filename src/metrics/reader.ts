// The database of another process, opened to be read: for the command line. It must never write to it.

import { Database } from "bun:sqlite";
import { describeDatabaseError } from "./database.ts";
import { schemaVersion } from "./migrations.ts";
import type { RecordSource, StoreStatus } from "./metrics-store.ts";

export type Reader = RecordSource & { close(): void };

function openToRead(path: string): { db: Database | null; detail: string | null } {
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true, strict: true });
    // Nobody else waits for this process, so it may wait for a lock.
    db.run("PRAGMA busy_timeout = 2000");
    const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    if (version === schemaVersion) return { db, detail: null };
    db.close();
    const what = version === 0 ? "it holds no records of this program" : `its schema version is ${version}`;
    return { db: null, detail: `${path}: ${what}` };
  } catch (error) {
    db?.close();
    return { db: null, detail: `${path}: ${describeDatabaseError(error)}` };
  }
}

/** Never throws: `status().detail` says why nothing can be read. */
export function openReader(path: string): Reader {
  const { db, detail } = openToRead(path);
  const status: StoreStatus = {
    path,
    queued: 0,
    dropped: 0,
    written: 0,
    state: db === null ? "failed" : "ok",
    detail,
  };
  return {
    flush: () => Promise.resolve(true),
    read: (work) => (db === null ? null : work(db)),
    status: () => status,
    close: () => db?.close(),
  };
}
