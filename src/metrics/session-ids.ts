// The number of each session's row, as it stands in its requests. What a session amounts to is added later (session-sums.ts).

import { LRUCache } from "lru-cache";
import type { RequestRecord } from "../canon/record.ts";
import type { SqliteDatabase, SqliteStatement } from "../sqlite/database-file.ts";
import type { SqlValue } from "./record-row.ts";
import { boundedText } from "./record-values.ts";

const rememberedSessions = 5_000;
/** By then another gateway of the file may have deleted the session. */
const rememberedMs = 3_600_000;

const findQuery = "SELECT id FROM sessions WHERE tenant = ?1 AND name = ?2";
const createStatement =
  "INSERT INTO sessions (tenant, name, client, first_ms, last_ms, requests, failures, input_tokens, cached_tokens, output_tokens, " +
  "cost_nano_usd, list_nano_usd, misses, miss_nano_usd, models, agents) " +
  "VALUES (?1, ?2, NULL, ?3, ?3, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]') RETURNING id";

export class SessionIds {
  private readonly ids = new LRUCache<string, number>({ max: rememberedSessions, ttl: rememberedMs });
  private readonly find: SqliteStatement<{ id: number }, SqlValue[]>;
  private readonly create: SqliteStatement<{ id: number }, SqlValue[]>;
  private isOpen = false;

  constructor(db: SqliteDatabase) {
    this.find = db.prepare(findQuery);
    this.create = db.prepare(createStatement);
  }

  /** At the start of a batch: numbers from one that was rolled back are forgotten. */
  begin(): void {
    if (this.isOpen) this.ids.clear();
    this.isOpen = true;
  }

  /** After the transaction. */
  end(): void {
    this.isOpen = false;
  }

  /** Null without a session. */
  of(record: RequestRecord): number | null {
    if (record.session === null) return null;
    const tenant = boundedText(record.tenant) ?? "";
    const name = boundedText(record.session);
    const key = `${tenant}\n${name}`;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = (this.find.get(tenant, name) ?? this.create.get(tenant, name, Math.round(record.startedAtMs)))?.id;
      if (id === undefined) throw new Error("SQLite returned no id for a session");
      this.ids.set(key, id);
    }
    return id;
  }

  close(): void {
    this.find.finalize();
    this.create.finalize();
  }
}
