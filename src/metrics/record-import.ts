// Brings the records of ClawGate (Python) into our database, once each: a second run goes on after the last row that is there. It must
// never change the table that it reads, which may lie in the same file.

import { openForeignTable } from "../sqlite/read-only-file.ts";
import { describeDatabaseError } from "../sqlite/database-error.ts";
import type { SqliteDatabase } from "../sqlite/database-file.ts";
import type { RequestRecord } from "../canon/record.ts";
import { MetricsConnection, type ConnectionOptions } from "./connection.ts";
import {
  earlierColumns,
  earlierRecord,
  type EarlierRow,
  earlierTable,
  importedTag,
  rowNumber,
  sourceOf,
} from "./earlier-records.ts";

const batchRows = 2_000;

export type ImportOptions = ConnectionOptions & {
  readonly source: string;
  readonly redact: (text: string) => string;
  /** Nothing is written; the rows are counted. */
  readonly isDryRun: boolean;
  readonly onProgress: (done: number, total: number) => void;
};

export type ImportResult = {
  /** Rows in the old table. */
  readonly total: number;
  readonly imported: number;
  /** Imported by an earlier run. */
  readonly already: number;
  /** Without a time or a number. */
  readonly unreadable: number;
  /** Where the records are; null: nothing was written. */
  readonly path: string | null;
  /** Why it ended early; null: it did not. A sentence without its full stop. */
  readonly problem: string | null;
};

const nothing = { total: 0, imported: 0, already: 0, unreadable: 0, path: null };

export async function importRecords(options: ImportOptions): Promise<ImportResult> {
  const opened = openForeignTable(options.source, earlierTable, earlierColumns);
  if ("problem" in opened) return { ...nothing, problem: `${options.source}: ${opened.problem}` };
  try {
    return await importFrom(opened.db, options);
  } catch (error) {
    return { ...nothing, problem: `${options.source}: ${describeDatabaseError(error)}` };
  } finally {
    opened.db.close();
  }
}

const selected = `SELECT ${earlierColumns.join(", ")} FROM ${earlierTable}`;

async function importFrom(old: SqliteDatabase, options: ImportOptions): Promise<ImportResult> {
  const first = old.query<EarlierRow, []>(`${selected} ORDER BY id LIMIT 1`).get();
  if (first === null) return { ...nothing, problem: null };
  const total = countAfter(old, -1);
  if (options.isDryRun) return { ...nothing, total, problem: null };
  const connection = new MetricsConnection(options);
  try {
    return await copyRows(old, connection, { ...options, sourceId: sourceOf(first), total });
  } finally {
    connection.close();
  }
}

const countAfter = (db: SqliteDatabase, id: number): number =>
  db.query<{ n: number }, [number]>(`SELECT count(*) AS n FROM ${earlierTable} WHERE id > ?1`).get(id)?.n ??
  0;

/** The number of the last row of this source that is among our records. */
function lastImported(db: SqliteDatabase, sourceId: string): number {
  const found = db
    .query<{ last: string | null }, [string, string]>(
      "SELECT max(substr(request_id, 19)) AS last FROM request_records " +
        "WHERE substr(request_id, 11, 8) = ?1 AND tags = ?2",
    )
    .get(sourceId, JSON.stringify([importedTag]));
  return found?.last == null ? -1 : rowNumber(found.last);
}

type Copy = ImportOptions & { readonly sourceId: string; readonly total: number };

async function copyRows(
  old: SqliteDatabase,
  connection: MetricsConnection,
  { sourceId, total, redact, onProgress }: Copy,
): Promise<ImportResult> {
  const open = connection.current();
  const { path, state, detail } = connection.status();
  if (open === null || state === "memory")
    return {
      ...nothing,
      total,
      problem: `the records cannot be written: ${detail ?? "no database is open"}`,
    };
  const select = old.query<EarlierRow, [number, number]>(`${selected} WHERE id > ?1 ORDER BY id LIMIT ?2`);
  let after = lastImported(open.db, sourceId);
  const already = total - countAfter(old, after);
  let [imported, unreadable] = [0, 0];
  for (;;) {
    const rows = select.all(after, batchRows);
    const last = rows.at(-1);
    if (last === undefined) break;
    const records = rows
      .map((row) => earlierRecord(row, sourceId, redact))
      .filter((record): record is RequestRecord => record !== null);
    try {
      // Whole: nothing else runs in this process.
      const result = open.prepared.begin(records).step(Infinity);
      imported += result?.written ?? 0;
      unreadable += rows.length - records.length + (result?.refused.length ?? 0);
    } catch (error) {
      const problem = `${path ?? ""}: ${describeDatabaseError(error)}; run it again to go on from here`;
      return { total, imported, already, unreadable, path, problem };
    }
    after = Number(last.id);
    onProgress(already + imported + unreadable, total);
    // A signal has to come through.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { total, imported, already, unreadable, path, problem: null };
}
