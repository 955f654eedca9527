// Writes one batch of records in one transaction: the prepared insert, and the batch's additions to the sums.
// It must never keep anything between two batches; the store keeps what could not be written.

import { databaseErrorKind } from "../sqlite/database-error.ts";
import type { SqliteDatabase, SqliteStatement } from "../sqlite/database-file.ts";
import type { RequestRecord } from "../canon/record.ts";
import { attemptDaysUpsert, trafficQuartersUpsert, usageDaysUpsert } from "./sum-upserts.ts";
import { createModelNameLimit, type ModelNameLimitOptions } from "./model-name-limit.ts";
import { insertStatement, type RowContext, rowOf, type SqlValue } from "./record-row.ts";
import { addToSums, emptySums } from "./batch-sums.ts";
import { SessionWriter } from "./session-sums.ts";
import { WasteMarks } from "./waste-marks.ts";

export type BatchResult = { readonly written: number; readonly refused: readonly string[] };

export type Writer = {
  /** All or nothing, except for rows that can never be written: those are `refused`. Throws SQLite's error if nothing was written. */
  write(batch: readonly RequestRecord[]): BatchResult;
  /** Finalizes the statements; otherwise SQLite keeps the file open behind a closed database. */
  close(): void;
};

/** Null if it was inserted, otherwise why this one row never can be. */
function insertOne(
  insert: SqliteStatement<unknown, SqlValue[]>,
  record: RequestRecord,
  context: RowContext,
): string | null {
  try {
    insert.run(...rowOf(record, context));
    return null;
  } catch (error) {
    // A constraint violation only undoes its own statement, so the rest of the batch continues. Any other error ends the batch.
    if (databaseErrorKind(error) !== "row") throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

export type WriterOptions = Pick<ModelNameLimitOptions, "isListed"> & { readonly keepsDecisions: boolean };

const namesOfDayQuery =
  "SELECT provider, model FROM usage_days WHERE day_ms = ?1 UNION " +
  "SELECT provider, model FROM attempt_days WHERE day_ms = ?1 LIMIT ?2";

export function createWriter(db: SqliteDatabase, { keepsDecisions, isListed }: WriterOptions): Writer {
  const insert = db.prepare<unknown, SqlValue[]>(insertStatement);
  const usage = db.prepare<unknown, SqlValue[]>(usageDaysUpsert.sql);
  const attempts = db.prepare<unknown, SqlValue[]>(attemptDaysUpsert.sql);
  const traffic = db.prepare<unknown, SqlValue[]>(trafficQuartersUpsert.sql);
  const named = db.prepare<{ provider: string; model: string }, [number, number]>(namesOfDayQuery);
  const sessions = new SessionWriter(db);
  const marks = new WasteMarks();
  // Read from the database once a day and at the start: a restart must not allow as many names again.
  const modelNames = createModelNameLimit({
    isListed,
    storedNames: (dayMs, limit) => named.all(dayMs, limit),
  });
  const run = db.transaction((batch: readonly RequestRecord[]): BatchResult => {
    const refused: string[] = [];
    const sums = emptySums(modelNames);
    sessions.begin();
    for (const record of batch) {
      const sessionId = sessions.idOf(record);
      const waste = marks.marksOf(record);
      const refusal = insertOne(insert, record, { keepsDecisions, sessionId, waste });
      if (refusal === null) {
        addToSums(record, sums);
        sessions.count(record, sessionId);
      } else refused.push(refusal);
    }
    sessions.write();
    for (const tally of sums.tallies.values()) {
      usage.run(...usageDaysUpsert.values(tally));
      traffic.run(...trafficQuartersUpsert.values(tally));
    }
    for (const tally of sums.attempts.values()) attempts.run(...attemptDaysUpsert.values(tally));
    return { written: batch.length - refused.length, refused };
  });
  return {
    write(batch) {
      const result = run.immediate(batch);
      sessions.end();
      return result;
    },
    close() {
      sessions.close();
      for (const statement of [insert, usage, attempts, traffic, named]) statement.finalize();
    },
  };
}
