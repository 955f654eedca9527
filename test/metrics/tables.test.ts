// drizzle's view of the tables and the SQL that makes them must say the same.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { migrations } from "../../src/metrics/migrations.ts";
import { attemptDays, requests, trafficQuarters, usageDays } from "../../src/metrics/tables.ts";

type Column = { name: string; type: string; notnull: number; pk: number };

for (const table of [requests, usageDays, attemptDays, trafficQuarters]) {
  const config = getTableConfig(table);
  test(`${config.name} has the same columns in both`, () => {
    const db = new Database(":memory:");
    for (const step of migrations) db.run(step);
    const made = db.query<Column, []>(`PRAGMA table_info(${config.name})`).all();
    const keys = config.primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
    expect(made.map(({ name, type, notnull, pk }) => [name, type, notnull === 1 || pk > 0])).toEqual(
      config.columns.map((column) => [column.name, column.getSQLType().toUpperCase(), column.notNull]),
    );
    if (keys.length > 0)
      expect(made.filter((column) => column.pk > 0).map((column) => column.name)).toEqual(keys);
    const indexes = db.query<{ name: string }, []>(`PRAGMA index_list(${config.name})`).all();
    for (const { config: index } of config.indexes)
      expect(indexes.map((found) => found.name)).toContain(index.name);
    db.close();
  });
}
