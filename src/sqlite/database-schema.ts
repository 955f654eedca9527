// What identifies a SQLite file as ours: its version and its table. It must never write to a file that may be another program's.

import type { Database } from "bun:sqlite";

export type DatabaseSchema = {
  /** SQL, one entry per version, applied in order. An entry that was released is never edited. */
  readonly migrations: readonly string[];
  /** The table that every version has. */
  readonly table: string;
  /** Whether other programs keep tables of their own in the same file. */
  readonly isShared: boolean;
};

export function readNumber(db: Database, pragma: string): number {
  const row = db.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get();
  return Object.values(row ?? {})[0] ?? 0;
}

export function hasTable(db: Database, { table }: DatabaseSchema): boolean {
  return db.query("SELECT 1 FROM sqlite_master WHERE name = ?1").get(table) !== null;
}

const anothers = "it is another program's database";

/** Why the file must not be touched: it belongs to a newer build or another program. Null: it is ours, or empty. */
export function foreignReason(db: Database, schema: DatabaseSchema): string | null {
  const version = readNumber(db, "user_version");
  const newest = schema.migrations.length;
  if (version > newest) return `its schema version is ${version}, this build knows up to ${newest}`;
  if (schema.isShared) return version > 0 && !hasTable(db, schema) ? anothers : null;
  const others = db.query("SELECT 1 FROM sqlite_master WHERE tbl_name <> ?1").get(schema.table);
  return others === null ? null : anothers;
}

/**
 * Migrates the file to this build's version; false if it had that already. Throws if the file cannot be written. `onBegin`: a file with
 * rows is about to be migrated from this version.
 */
export function migrate(
  db: Database,
  schema: DatabaseSchema,
  onBegin?: (fromVersion: number) => void,
): boolean {
  const newest = schema.migrations.length;
  // Even if nothing has to be done: a file without write permission opens read-only without an error, and this requests the lock.
  const run = db.transaction(() => {
    // Read while holding the lock: a second gateway may have migrated the file in between.
    const version = readNumber(db, "user_version");
    // From the first entry also if only the table was removed.
    const from = hasTable(db, schema) ? Math.max(1, version) : 0;
    if (from > 0 && from < newest) onBegin?.(from);
    for (const step of schema.migrations.slice(from)) db.run(step);
    if (version < newest) db.run(`PRAGMA user_version = ${newest}`);
    return version < newest;
  });
  return run.immediate();
}
