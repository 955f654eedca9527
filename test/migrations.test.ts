// The tables as drizzle-kit reads them, the migrations that it made of them, and those that the program runs: all say the same.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from "drizzle-kit/api";
import { migrations as ofMetrics } from "../src/metrics/migrations.ts";
import * as metrics from "../src/metrics/tables.ts";
import { migrations as ofState } from "../src/state/migrations.ts";
import * as state from "../src/state/tables.ts";

describe.each([
  ["metrics", metrics, ofMetrics],
  ["state", state, ofState],
] as const)("src/%s", (home, tables, migrations) => {
  const folder = join(import.meta.dir, "../src", home, "migrations");
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");

  test(`nothing has changed in tables.ts since the last one: else \`npm run migrations ${home} <name>\``, async () => {
    const snapshots = readdirSync(join(folder, "meta")).filter((name) => name.endsWith("_snapshot.json"));
    const last = JSON.parse(read(`meta/${snapshots.toSorted().at(-1)}`)) as Awaited<
      ReturnType<typeof generateSQLiteDrizzleJson>
    >;
    const now = await generateSQLiteDrizzleJson(tables, last.id);
    expect(await generateSQLiteMigration(last, now)).toEqual([]);
  });

  test("every one of the journal is in the program, in order", () => {
    const { entries } = JSON.parse(read("meta/_journal.json")) as { entries: { tag: string }[] };
    expect(migrations).toEqual(entries.map(({ tag }) => read(`${tag}.sql`)));
  });
});
