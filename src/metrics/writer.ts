// One batch of records into one transaction: the prepared insert, and what the batch adds to the sums.
// It must never keep anything between two batches; what could not be written is the store's to keep.

import type { Database, Statement } from "bun:sqlite";
import type { RequestRecord } from "../canon/record.ts";
import { toAttemptDays, toTrafficQuarters, toUsageDays } from "./additions.ts";
import { troubleOf } from "./database.ts";
import { createDayNames, type DayNamesOptions } from "./day-names.ts";
import { insertRow, rowOf, type Value } from "./row.ts";
import { addToSums, emptySums } from "./sums.ts";

export type BatchResult = { readonly written: number; readonly refused: readonly string[] };

export type Writer = {
  /** All or nothing, but for rows that can never be written: those are `refused`. Throws SQLite's error when nothing was. */
  write(batch: readonly RequestRecord[]): BatchResult;
  /** Lets go of the statements; without that SQLite keeps the file open behind a closed database. */
  close(): void;
};

/** Null when it was inserted, else why this one row never will be. */
function insertOne(insert: Statement, record: RequestRecord, keepsDecisions: boolean): string | null {
  try {
    insert.run(...rowOf(record, keepsDecisions));
    return null;
  } catch (error) {
    // A constraint undoes its own statement only, so the rest of the batch goes on. Anything else ends the batch.
    if (troubleOf(error) !== "row") throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

export type WriterOptions = Pick<DayNamesOptions, "isListed"> & { readonly keepsDecisions: boolean };

const namesOfDay =
  "SELECT provider, model FROM usage_days WHERE day_ms = ?1 UNION " +
  "SELECT provider, model FROM attempt_days WHERE day_ms = ?1 LIMIT ?2";

export function writerOf(db: Database, { keepsDecisions, isListed }: WriterOptions): Writer {
  const insert = db.prepare<unknown, Value[]>(insertRow);
  const usage = db.prepare<unknown, Value[]>(toUsageDays.sql);
  const attempts = db.prepare<unknown, Value[]>(toAttemptDays.sql);
  const traffic = db.prepare<unknown, Value[]>(toTrafficQuarters.sql);
  const named = db.prepare<{ provider: string; model: string }, [number, number]>(namesOfDay);
  // Read back from the database once a day and at the start: a restart gives no room for as many names again.
  const names = createDayNames({ isListed, known: (dayMs, limit) => named.all(dayMs, limit) });
  const run = db.transaction((batch: readonly RequestRecord[]): BatchResult => {
    const refused: string[] = [];
    const sums = emptySums(names);
    for (const record of batch) {
      const refusal = insertOne(insert, record, keepsDecisions);
      if (refusal === null) addToSums(record, sums);
      else refused.push(refusal);
    }
    for (const tally of sums.tallies.values()) {
      usage.run(...toUsageDays.values(tally));
      traffic.run(...toTrafficQuarters.values(tally));
    }
    for (const tally of sums.attempts.values()) attempts.run(...toAttemptDays.values(tally));
    return { written: batch.length - refused.length, refused };
  });
  return {
    write: (batch) => run.immediate(batch),
    close() {
      for (const statement of [insert, usage, attempts, traffic, named]) statement.finalize();
    },
  };
}
