// Writes one batch of records in one transaction, a slice at a time: the prepared insert, and the batch's additions to the sums.
// It must never keep anything between two batches; the store keeps what could not be written.

import { databaseErrorKind } from "../sqlite/database-error.ts";
import type { SqliteDatabase, SqliteStatement } from "../sqlite/database-file.ts";
import type { RequestRecord } from "../canon/record.ts";
import { attemptDaysUpsert, trafficQuartersUpsert, usageDaysUpsert } from "./sum-upserts.ts";
import { createModelNameLimit, type ModelNameLimit, type ModelNameLimitOptions } from "./model-name-limit.ts";
import { insertStatement, type RowContext, rowOf, type SqlValue } from "./record-row.ts";
import { addToSums, emptySums, type Sums } from "./batch-sums.ts";
import { SessionIds } from "./session-ids.ts";
import { WasteMarks } from "./waste-marks.ts";

export type BatchResult = { readonly written: number; readonly refused: readonly string[] };

export type Writer = {
  /** Begins its transaction, of which there is one at a time. Throws SQLite's error. */
  begin(batch: readonly RequestRecord[]): BatchWriting;
  /** Finalizes the statements; otherwise SQLite keeps the file open behind a closed database. */
  close(): void;
};

export type BatchWriting = {
  /**
   * Goes on until this time, by `performance.now()`. Null: there is more to do. All or nothing is written, except for rows that can never
   * be: those are `refused`. Throws SQLite's error if nothing was written.
   */
  step(endMs: number): BatchResult | null;
};

/** Rows between two looks at the clock: 30 to 50 us. */
const rowsPerLook = 8;

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

type Statements = {
  readonly db: SqliteDatabase;
  readonly insert: SqliteStatement<unknown, SqlValue[]>;
  readonly usage: SqliteStatement<unknown, SqlValue[]>;
  readonly attempts: SqliteStatement<unknown, SqlValue[]>;
  readonly traffic: SqliteStatement<unknown, SqlValue[]>;
  readonly sessions: SessionIds;
  readonly marks: WasteMarks;
  readonly modelNames: ModelNameLimit;
  readonly keepsDecisions: boolean;
};

class OpenBatch implements BatchWriting {
  private readonly refused: string[] = [];
  private readonly sums: Sums;
  private at = 0;
  private isSummed = false;

  constructor(
    private readonly statements: Statements,
    private readonly batch: readonly RequestRecord[],
  ) {
    statements.db.run("BEGIN IMMEDIATE");
    this.sums = emptySums(statements.modelNames);
    statements.sessions.begin();
  }

  step(endMs: number): BatchResult | null {
    try {
      return this.work(endMs);
    } catch (error) {
      rollBack(this.statements.db);
      throw error;
    }
  }

  private work(endMs: number): BatchResult | null {
    const { batch, refused } = this;
    while (this.at < batch.length) {
      const end = Math.min(this.at + rowsPerLook, batch.length);
      while (this.at < end) this.insert(batch[this.at++]);
      if (performance.now() >= endMs) return null;
    }
    if (!this.isSummed) {
      this.writeSums();
      this.isSummed = true;
      if (performance.now() >= endMs) return null;
    }
    this.statements.db.run("COMMIT");
    this.statements.sessions.end();
    return { written: batch.length - refused.length, refused };
  }

  private insert(record: RequestRecord | undefined): void {
    if (record === undefined) return;
    const { insert, sessions, marks, keepsDecisions } = this.statements;
    const context = { keepsDecisions, sessionId: sessions.of(record), waste: marks.marksOf(record) };
    const refusal = insertOne(insert, record, context);
    if (refusal === null) addToSums(record, this.sums);
    else this.refused.push(refusal);
  }

  private writeSums(): void {
    const { usage, attempts, traffic } = this.statements;
    for (const tally of this.sums.tallies.values()) {
      usage.run(...usageDaysUpsert.values(tally));
      traffic.run(...trafficQuartersUpsert.values(tally));
    }
    for (const tally of this.sums.attempts.values()) attempts.run(...attemptDaysUpsert.values(tally));
  }
}

/** After some errors SQLite has done it already. */
function rollBack(db: SqliteDatabase): void {
  if (db.inTransaction) db.run("ROLLBACK");
}

export function createWriter(db: SqliteDatabase, { keepsDecisions, isListed }: WriterOptions): Writer {
  const named = db.prepare<{ provider: string; model: string }, [number, number]>(namesOfDayQuery);
  const statements: Statements = {
    db,
    insert: db.prepare<unknown, SqlValue[]>(insertStatement),
    usage: db.prepare<unknown, SqlValue[]>(usageDaysUpsert.sql),
    attempts: db.prepare<unknown, SqlValue[]>(attemptDaysUpsert.sql),
    traffic: db.prepare<unknown, SqlValue[]>(trafficQuartersUpsert.sql),
    sessions: new SessionIds(db),
    marks: new WasteMarks(),
    // Read from the database once a day and at the start: a restart must not allow as many names again.
    modelNames: createModelNameLimit({
      isListed,
      storedNames: (dayMs, limit) => named.all(dayMs, limit),
    }),
    keepsDecisions,
  };
  return {
    begin: (batch) => new OpenBatch(statements, batch),
    close() {
      rollBack(db);
      statements.sessions.close();
      const { insert, usage, attempts, traffic } = statements;
      for (const statement of [insert, usage, attempts, traffic, named]) statement.finalize();
    },
  };
}
