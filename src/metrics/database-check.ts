// A look at a database that a gateway may be using right now: is it there, is it ours, is it whole? For `clawgate doctor`.
// It must never write to it, and never keep it open.

import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { describeDatabaseError, databaseErrorKind } from "./database.ts";
import { schemaVersion } from "./migrations.ts";
import { inMemory } from "./database-path.ts";

export type DatabaseCheck =
  | { readonly kind: "absent" | "memory" }
  | {
      readonly kind: "whole";
      readonly bytes: number;
      readonly requests: number;
      readonly wasChecked: boolean;
    }
  | { readonly kind: "damaged" | "foreign" | "busy" | "unreadable"; readonly detail: string };

/** Above this a check of every page takes longer than anybody waits for. */
const maxCheckedBytes = 512 * 1024 * 1024;

export function checkDatabase(path: string, checksPages: boolean): DatabaseCheck {
  if (path === inMemory) return { kind: "memory" };
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { kind: "absent" };
  if (!found.isFile()) return { kind: "unreadable", detail: "it is not a regular file" };
  // What an interrupted first start leaves; the next one goes on from there.
  if (found.size === 0) return { kind: "whole", bytes: 0, requests: 0, wasChecked: false };
  let db: Database | null = null;
  try {
    db = new Database(path, { readonly: true, strict: true });
    const version = db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
    if (version > schemaVersion)
      return {
        kind: "foreign",
        detail: `its schema version is ${version}, this build knows up to ${schemaVersion}`,
      };
    if (db.query("SELECT 1 FROM sqlite_master WHERE name = 'request_records'").get() === null)
      return { kind: "foreign", detail: "it is another program's database" };
    const wasChecked = checksPages && found.size <= maxCheckedBytes;
    const verdict = wasChecked
      ? db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check
      : "ok";
    if (verdict !== "ok") return { kind: "damaged", detail: verdict ?? "its check says nothing" };
    const requests = db
      .query<{ count: number }, []>("SELECT count(*) AS count FROM request_records")
      .get()?.count;
    return { kind: "whole", bytes: found.size, requests: requests ?? 0, wasChecked };
  } catch (error) {
    const errorKind = databaseErrorKind(error);
    const kind = errorKind === "corrupt" ? "damaged" : errorKind === "busy" ? "busy" : "unreadable";
    return { kind, detail: describeDatabaseError(error) };
  } finally {
    db?.close();
  }
}
