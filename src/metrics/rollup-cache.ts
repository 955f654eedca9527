// Sums that were read a moment ago, kept by the reading thread: a page that is open asks for the same days again and again. What is
// kept is known by how many requests it holds, because sums only grow.

import { LRUCache } from "lru-cache";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { type RollupData, decodeRollup } from "./rollup-data.ts";
import { UsageCache } from "./usage-cache.ts";
import { type DayData, decodeDay } from "./rollup-day-data.ts";

export type RollupKey = { readonly spanMs: number; readonly startMs: number; readonly requests: number };

const mostBytes = 64 * 1024 * 1024;
/** Nobody looks at the page any more. */
const keptMs = 600_000;

type Kept<T> = { readonly data: T; readonly bytes: number };

class KeptSums<T extends object> {
  private readonly kept: LRUCache<string, Kept<T>>;

  constructor(
    private readonly decode: (bytes: Uint8Array) => T,
    maxSize: number,
  ) {
    const options = { maxSize, ttl: keptMs, ttlAutopurge: true };
    this.kept = new LRUCache({ ...options, sizeCalculation: ({ bytes }) => bytes });
  }

  read(db: SqliteDatabase, { spanMs, startMs, requests }: RollupKey): T | null {
    const key = `${spanMs} ${startMs} ${requests}`;
    const known = this.kept.get(key);
    if (known !== undefined) return known.data;
    const row = db
      .query<{ data: Uint8Array }, [number, number]>(
        "SELECT data FROM rollups WHERE span_ms = ?1 AND start_ms = ?2",
      )
      .get(spanMs, startMs);
    if (row === null) return null;
    const data = this.decode(row.data);
    this.kept.set(key, { data, bytes: row.data.length });
    return data;
  }
}

type OfFile = { readonly days: KeptSums<DayData>; readonly others: KeptSums<RollupData> };

export class RollupCache {
  readonly usage = new UsageCache();
  /** Another file may hold other sums of the same time. */
  private readonly ofFile = new WeakMap<SqliteDatabase, OfFile>();

  /** A day's row of `rollup-days.ts`. */
  day(db: SqliteDatabase, key: RollupKey): DayData | null {
    return this.of(db).days.read(db, key);
  }

  /** The row of an hour or a quarter. */
  sums(db: SqliteDatabase, key: RollupKey): RollupData | null {
    return this.of(db).others.read(db, key);
  }

  private of(db: SqliteDatabase): OfFile {
    let kept = this.ofFile.get(db);
    if (kept === undefined) {
      kept = {
        days: new KeptSums(decodeDay, mostBytes),
        others: new KeptSums(decodeRollup, mostBytes / 8),
      };
      this.ofFile.set(db, kept);
    }
    return kept;
  }
}
