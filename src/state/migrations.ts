// The history of the state's file as SQL, one entry a version, applied in order: made of tables.ts by `npm run migrations`.
// A file that was released is never edited.

import first from "./migrations/0000_first.sql" with { type: "text" };

export const migrations: readonly string[] = [first];

/** The version that this build writes; a file that bears a higher one belongs to a newer build. */
export const schemaVersion = migrations.length;
