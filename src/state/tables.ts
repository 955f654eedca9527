// The state's one table as drizzle-kit reads it: `npm run migrations state <name>` generates the SQL for a change here in
// migrations/. The program itself runs only that SQL.

import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const state = sqliteTable(
  "state",
  {
    namespace: text("namespace").notNull(),
    key: text("key").notNull(),
    /** JSON. */
    value: text("value").notNull(),
    expiresAtMs: integer("expires_at_ms"),
  },
  (table) => [primaryKey({ columns: [table.namespace, table.key] })],
);
