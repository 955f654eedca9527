// One batch of records into one transaction: the prepared insert, and what the batch adds to the sums.
// It must never keep anything between two batches; what could not be written is the store's to keep.

import type { Database, Statement } from "bun:sqlite";
import type { RequestRecord } from "../canon/record.ts";
import { troubleOf } from "./database.ts";
import { insertRow, rowOf, type Value } from "./row.ts";
import { addAttempts, addTraffic, addUsage, type Sums, sumAttempts, sumTraffic, sumUsage } from "./sums.ts";

export type BatchResult = { readonly written: number; readonly refused: readonly string[] };

export type Writer = {
  /** All or nothing, but for rows that can never be written: those are `refused`. Throws SQLite's error when nothing was. */
  write(batch: readonly RequestRecord[]): BatchResult;
  /** Lets go of the statements; without that SQLite keeps the file open behind a closed database. */
  close(): void;
};

/** Null when it was inserted, else why this one row never will be. */
function insertOne(insert: Statement, record: RequestRecord): string | null {
  try {
    insert.run(...rowOf(record));
    return null;
  } catch (error) {
    // A constraint undoes its own statement only, so the rest of the batch goes on. Anything else ends the batch.
    if (troubleOf(error) !== "row") throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

export function writerOf(db: Database): Writer {
  const insert = db.prepare<unknown, Value[]>(insertRow);
  const usage = db.prepare<unknown, Value[]>(addUsage);
  const attempts = db.prepare<unknown, Value[]>(addAttempts);
  const traffic = db.prepare<unknown, Value[]>(addTraffic);
  const add = (statement: Statement, sums: Sums) => {
    for (const { key, add: counters } of sums.values()) statement.run(...key, ...counters);
  };
  const run = db.transaction((batch: readonly RequestRecord[]): BatchResult => {
    const refused: string[] = [];
    const usageSums: Sums = new Map();
    const attemptSums: Sums = new Map();
    const trafficSums: Sums = new Map();
    for (const record of batch) {
      const refusal = insertOne(insert, record);
      if (refusal !== null) {
        refused.push(refusal);
        continue;
      }
      sumUsage(record, usageSums);
      sumAttempts(record, attemptSums);
      sumTraffic(record, trafficSums);
    }
    add(usage, usageSums);
    add(attempts, attemptSums);
    add(traffic, trafficSums);
    return { written: batch.length - refused.length, refused };
  });
  return {
    write: (batch) => run.immediate(batch),
    close() {
      for (const statement of [insert, usage, attempts, traffic]) statement.finalize();
    },
  };
}
