// A SQLite file opened to read, for a command while no gateway runs. It must never create, migrate or change the file.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { describeDatabaseError } from "./database-error.ts";
import type { SqliteDatabase } from "./database-file.ts";
import { type DatabaseSchema, foreignReason, hasTable, readNumber } from "./database-schema.ts";

/** A message without a subject ("it is ..."), or the open file. */
export type ReadOnlyFile = { readonly db: SqliteDatabase } | { readonly problem: string };

export function openReadOnlyFile(path: string, schema: DatabaseSchema): ReadOnlyFile {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { problem: "it does not exist" };
  if (!found.isFile()) return { problem: "it is not a regular file" };
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true, strict: true });
    db.run("PRAGMA busy_timeout = 2000");
    const problem = problemOf(db, schema);
    if (problem === null) return { db };
    db.close();
    return { problem };
  } catch (error) {
    db?.close();
    return { problem: describeDatabaseError(error) };
  }
}

function problemOf(db: Database, schema: DatabaseSchema): string | null {
  const foreign = foreignReason(db, schema);
  if (foreign !== null) return foreign;
  if (!hasTable(db, schema)) return "it holds no records of requests";
  return readNumber(db, "user_version") < schema.migrations.length
    ? "it was written by an older version, and the next start of the gateway brings it up to date"
    : null;
}

export const missingTable = (table: string): string =>
  `it has no table ${table} with the columns that are expected`;

/** A table of another program: opened to read, if it has these columns. */
export function openForeignTable(path: string, table: string, columns: readonly string[]): ReadOnlyFile {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { problem: "it does not exist" };
  if (!found.isFile()) return { problem: "it is not a regular file" };
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true, strict: true });
    db.run("PRAGMA busy_timeout = 5000");
    const names = db
      .query<{ name: string }, [string]>("SELECT name FROM pragma_table_info(?1)")
      .all(table)
      .map(({ name }) => name);
    if (columns.every((name) => names.includes(name))) return { db };
    db.close();
    return { problem: missingTable(table) };
  } catch (error) {
    db?.close();
    return { problem: describeDatabaseError(error) };
  }
}
