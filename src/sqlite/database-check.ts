// Checks a SQLite file that a gateway may be using: does it exist, is it ours, is it intact? For `clawgate doctor`.
// It must never write to it, and never keep it open.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { databaseErrorKind, describeDatabaseError } from "./database-error.ts";
import { inMemory } from "./database-file.ts";
import { type DatabaseSchema, foreignReason, hasTable } from "./database-schema.ts";

/** `rows`: of the schema's table. */
export type DatabaseCheck =
  | { readonly kind: "absent" | "memory" }
  | {
      readonly kind: "whole";
      readonly bytes: number;
      readonly rows: number;
      readonly wasChecked: boolean;
    }
  | { readonly kind: "damaged" | "foreign" | "busy" | "unreadable"; readonly detail: string };

/** Above this size, a check of every page takes too long for a command. */
const maxCheckedBytes = 512 * 1024 * 1024;

export function checkDatabaseFile(path: string, schema: DatabaseSchema, checksPages: boolean): DatabaseCheck {
  if (path === inMemory) return { kind: "memory" };
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { kind: "absent" };
  if (!found.isFile()) return { kind: "unreadable", detail: "it is not a regular file" };
  // Left by an interrupted first start; the next one continues from there.
  if (found.size === 0) return { kind: "whole", bytes: 0, rows: 0, wasChecked: false };
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true, strict: true });
    return checkOpen(db, schema, found.size, checksPages && found.size <= maxCheckedBytes);
  } catch (error) {
    const errorKind = databaseErrorKind(error);
    const kind = errorKind === "corrupt" ? "damaged" : errorKind === "busy" ? "busy" : "unreadable";
    return { kind, detail: describeDatabaseError(error) };
  } finally {
    db?.close();
  }
}

function checkOpen(db: Database, schema: DatabaseSchema, bytes: number, checksPages: boolean): DatabaseCheck {
  const foreign = foreignReason(db, schema);
  if (foreign !== null) return { kind: "foreign", detail: foreign };
  if (!hasTable(db, schema)) return { kind: "foreign", detail: "it is another program's database" };
  const verdict = checksPages
    ? db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check
    : "ok";
  if (verdict !== "ok") return { kind: "damaged", detail: verdict ?? "the integrity check returned nothing" };
  const counted = db.query<{ count: number }, []>(`SELECT count(*) AS count FROM ${schema.table}`).get();
  return { kind: "whole", bytes, rows: counted?.count ?? 0, wasChecked: checksPages };
}
