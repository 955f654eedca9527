// Makes a file of records ten times as long: what its first tenth of the time holds happens again in each of the others, with numbers,
// ids and sessions of their own. The file's own statements do that in a tenth of the time that recording takes.

import type { SqliteDatabase } from "../../src/sqlite/database-file.ts";

const rowsAtOnce = 100_000;
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const count = (db: SqliteDatabase, sql: string): number =>
  db.query<{ n: number | null }, []>(sql).get()?.n ?? 0;

/** The ten letters of a ULID that say when it was made. */
const ulidTime = (ms: string): string =>
  Array.from({ length: 10 }, (_, i) => `substr('${letters}', ((${ms} >> ${45 - 5 * i}) & 31) + 1, 1)`).join(
    " || ",
  );

/** The columns of a table, some of them replaced. */
function columnsOf(db: SqliteDatabase, table: string, replaced: Readonly<Record<string, string>>) {
  const names = db
    .query<{ name: string }, []>(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => name);
  return {
    names: names.join(", "),
    values: names.map((name) => replaced[name] ?? name).join(", "),
    all: names,
  };
}

/** Sums of a day to which the part before has its share too. */
function copySums(db: SqliteDatabase, table: string, column: string, shiftMs: number): void {
  const shifted = { [column]: `${column} + ${shiftMs}` };
  const extremes: Record<string, string> = { first_ms: "min", last_ms: "max" };
  for (const name of Object.keys(extremes)) shifted[name] = `${name} + ${shiftMs}`;
  const { names, values, all } = columnsOf(db, table, shifted);
  const keys = db
    .query<{ name: string }, []>(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0`)
    .all()
    .map(({ name }) => name);
  const updates = all
    .filter((name) => !keys.includes(name))
    .map((name) =>
      extremes[name] === undefined
        ? `${name} = ${name} + excluded.${name}`
        : `${name} = ${extremes[name]}(${name}, excluded.${name})`,
    );
  db.run(
    `INSERT INTO ${table} (${names}) SELECT ${values} FROM first_${table} WHERE true ` +
      `ON CONFLICT DO UPDATE SET ${updates.join(", ")}`,
  );
}

/** The file holds whole hours, and no request that began before them. */
export function repeatRecords(db: SqliteDatabase, copies: number, lengthMs: number): void {
  const ids = count(db, "SELECT max(id) AS n FROM request_records");
  const sessions = count(db, "SELECT max(id) AS n FROM sessions");
  const sums = [
    ["usage_days", "day_ms"],
    ["attempt_days", "day_ms"],
    ["traffic_quarters", "quarter_ms"],
  ] as const;
  for (const [table] of sums) db.run(`CREATE TEMP TABLE first_${table} AS SELECT * FROM ${table}`);
  for (let copy = 1; copy < copies; copy++) {
    const shiftMs = copy * lengthMs;
    const ms = `(started_at_ms + ${shiftMs})`;
    const rows = columnsOf(db, "request_records", {
      id: `id + ${copy * ids}`,
      request_id: `${ulidTime(ms)} || substr(request_id, 11)`,
      started_at_ms: ms,
      session_id: `session_id + ${copy * sessions}`,
    });
    for (let after = 0; after < ids; after += rowsAtOnce)
      db.run(
        `INSERT INTO request_records (${rows.names}) SELECT ${rows.values} FROM request_records ` +
          `WHERE id > ${after} AND id <= ${Math.min(ids, after + rowsAtOnce)}`,
      );
    const spans = { first_ms: `first_ms + ${shiftMs}`, last_ms: `last_ms + ${shiftMs}` };
    const named = columnsOf(db, "sessions", {
      ...spans,
      id: `id + ${copy * sessions}`,
      name: `'${copy}-' || name`,
    });
    db.run(
      `INSERT INTO sessions (${named.names}) SELECT ${named.values} FROM sessions WHERE id <= ${sessions}`,
    );
    const summed = columnsOf(db, "rollups", {
      ...spans,
      start_ms: `start_ms + ${shiftMs}`,
      first_id: `first_id + ${copy * ids}`,
      last_id: `last_id + ${copy * ids}`,
    });
    db.run(
      `INSERT INTO rollups (${summed.names}) SELECT ${summed.values} FROM rollups WHERE last_id <= ${ids}`,
    );
    for (const [table, column] of sums) copySums(db, table, column, shiftMs);
  }
  for (const [table] of sums) db.run(`DROP TABLE first_${table}`);
  db.run(`UPDATE rolled_up SET last_id = ${copies * ids}`);
}
