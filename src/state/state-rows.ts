// The one table of the state file: everything is read once, and changes are written in batches.

import type { SqliteDatabase, SqliteStatement } from "../sqlite/database-file.ts";
import type { DatabaseSchema } from "../sqlite/database-schema.ts";
import { migrations } from "./migrations.ts";
import type { StateRow } from "./state-store.ts";

export const schema: DatabaseSchema = { migrations, table: "state", isShared: false };

/** `row` null: the row is deleted. */
export type Change = { readonly namespace: string; readonly row: StateRow | null; readonly key: string };

type Stored = { namespace: string; key: string; value: string; expires_at_ms: number | null };

export class StateTable {
  private readonly put: SqliteStatement<null, [string, string, string, number | null]>;
  private readonly remove: SqliteStatement<null, [string, string]>;

  constructor(private readonly db: SqliteDatabase) {
    this.put = db.prepare<null, [string, string, string, number | null]>(
      "INSERT INTO state (namespace, key, value, expires_at_ms) VALUES (?1, ?2, ?3, ?4) " +
        "ON CONFLICT DO UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms",
    );
    this.remove = db.prepare<null, [string, string]>("DELETE FROM state WHERE namespace = ?1 AND key = ?2");
  }

  /** Those that have not expired; expired ones are deleted. */
  load(nowMs: number): { readonly namespace: string; readonly row: StateRow }[] {
    this.db.query("DELETE FROM state WHERE expires_at_ms <= ?1").run(nowMs);
    const rows = this.db.query<Stored, []>("SELECT namespace, key, value, expires_at_ms FROM state").all();
    return rows.flatMap(({ namespace, key, value, expires_at_ms }) => {
      const read = parsed(value);
      return read === undefined ? [] : [{ namespace, row: { key, value: read, expiresAtMs: expires_at_ms } }];
    });
  }

  /** All or none. */
  write(changes: Iterable<Change>): void {
    this.db
      .transaction(() => {
        for (const { namespace, key, row } of changes)
          if (row === null) this.remove.run(namespace, key);
          else this.put.run(namespace, key, JSON.stringify(row.value), row.expiresAtMs);
      })
      .immediate();
  }

  /** Finalizes the statements; otherwise SQLite keeps the file open behind a closed database. */
  close(): void {
    this.put.finalize();
    this.remove.finalize();
  }
}

/** Undefined if another program wrote something that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
