// Reads the rows of a range of numbers in pieces, newest first, until a time limit. Reads only.

import type { SqliteDatabase } from "../sqlite/database-file.ts";
import { countedColumns, type CountedRow } from "./record-counters.ts";
import type { Conditions } from "./record-filter.ts";

const pieceSize = 2_000;

export type RowRange = {
  /** Both inclusive. */
  readonly firstId: number;
  readonly lastId: number;
  readonly fromMs: number;
  readonly toMs: number;
};

/** When a query has to stop reading, by `performance.now()`. */
export type Deadline = { readonly endMs: number };

export const isOver = ({ endMs }: Deadline): boolean => performance.now() > endMs;

/** Rows of `countedColumns` as the driver returns them. */
export function countedRows(values: readonly unknown[]): readonly CountedRow[] {
  return values as readonly CountedRow[];
}

/** False: the time was over before all were read. */
export function readCountedRows(
  db: SqliteDatabase,
  range: RowRange,
  conditions: Conditions,
  use: { readonly deadline: Deadline; readonly row: (row: CountedRow) => void },
): boolean {
  const statement = db.query<unknown, (string | number | null)[]>(
    `SELECT ${countedColumns} FROM request_records WHERE id <= ? AND id >= ? AND started_at_ms >= ? AND started_at_ms < ?` +
      `${conditions.sql} ORDER BY id DESC LIMIT ${pieceSize}`,
  );
  let { lastId } = range;
  for (;;) {
    const values = [lastId, range.firstId, range.fromMs, range.toMs, ...conditions.values];
    const rows = countedRows(statement.values(...values));
    for (const row of rows) use.row(row);
    if (rows.length < pieceSize) return true;
    lastId = (rows.at(-1)?.[0] ?? 0) - 1;
    if (isOver(use.deadline)) return false;
  }
}
