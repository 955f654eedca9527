// The history of the state's file as SQL, one entry a version, applied in order. An entry that was released is never edited.

const first = `CREATE TABLE state (
  namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at_ms INTEGER,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID`;

export const migrations: readonly string[] = [first];
