// The history of the state file as SQL, one entry per version, applied in order: generated from tables.ts by `npm run migrations`.
// A file that was released is never edited.

import first from "./migrations/0000_first.sql" with { type: "text" };

export const migrations: readonly string[] = [first];

/** The version that this build writes; a file with a higher one belongs to a newer build. */
export const schemaVersion = migrations.length;
